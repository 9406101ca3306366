"""The reports as DAGs of Airflow 3: by the command, and the plain notebook by papermill.

The command checks the parameters before anything runs, publishes a report whole or not at all, and follows the gaps
through the runs before. Papermill by itself does none of this: take the second DAG where only notebooks may be run, and
give every run a folder of its own. Airflow counts the periods itself, so each run names its period.
"""

from datetime import datetime, timedelta

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

FOLDER = "/srv/acme"
ALIGNMENT = "/srv/alignment/bin/alignment"  # as the shell reads it
MONTH = "{{ data_interval_start.strftime('%Y-%m') }}"

with DAG(
    dag_id="alignment_report",
    schedule="0 6 3 * *",
    start_date=datetime(2026, 1, 3),
    catchup=True,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=4),
):
    BashOperator(
        task_id="report",
        cwd=FOLDER,
        bash_command=f"{ALIGNMENT} run alignment.toml --period {MONTH} --fail-on high",
        # 10: the run is done, and something is out of line. 6: another process is at the same run.
        skip_on_exit_code=[6, 10],
        append_env=True,
    )

with DAG(
    dag_id="alignment_report_papermill",
    schedule="0 6 3 * *",
    start_date=datetime(2026, 1, 3),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=4),
):
    PapermillOperator(
        task_id="report",
        input_nb=f"{FOLDER}/notebooks/01_alignment_report.ipynb",
        output_nb=f"{FOLDER}/reports/papermill/{MONTH}.ipynb",
        parameters={
            "source": f"{FOLDER}/alignment.toml",
            "period": MONTH,
            "history": [],
            "out": f"{FOLDER}/reports/papermill/{MONTH}",
        },
    )
