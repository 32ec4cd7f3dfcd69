"""Every job's command line, as processes."""

import os
import pty
import signal
import subprocess
import sys
import termios

JOB = """
import sys, time
from cadnet import job
from cadnet.provenance import atomic_path
from pathlib import Path

def run(options):
    {body}
    return "all is well"

options = job.parser(None).parse_args(sys.argv[1:])
sys.exit(job.main(run, options, ValueError))
"""


def start(body, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", JOB.replace("{body}", body), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_log_takes_everything_that_is_printed(tmp_path):
    log = tmp_path / "logs" / "deep" / "job.log"
    body = 'print("python"); import os; os.system("echo below python >&2")'
    process = start(body, "--log", str(log))
    assert process.communicate() == ("", "")
    assert process.returncode == 0
    assert log.read_text().splitlines() == ["python", "below python", "all is well"]


def test_an_expected_error_is_one_line_and_another_keeps_its_traceback():
    process = start('raise ValueError("image.jpg: is empty; remove it")')
    assert process.communicate()[1] == "error: image.jpg: is empty; remove it\n"
    assert process.returncode == 1
    process = start('raise KeyError("a bug")')
    assert "Traceback" in process.communicate()[1]
    assert process.returncode == 1


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    process = start("pass", "--log", str(tmp_path / "file" / "job.log"))
    assert "error: cannot write" in process.communicate()[1]
    assert process.returncode == 1


def test_sigterm_ends_the_job_and_leaves_nothing_half_written(tmp_path):
    final = tmp_path / "result.csv"
    final.write_text("earlier")
    body = f"""
    with atomic_path(Path({str(final)!r})) as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        time.sleep(60)
    """.strip()
    process = start(body)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["result.csv"]
    assert final.read_text() == "earlier"
    process.communicate()


def test_a_bar_is_drawn_where_somebody_watches_and_not_in_the_log(tmp_path):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    log = tmp_path / "job.log"
    body = "[time.sleep(0.3) for _ in job.bar(range(4), desc='work')]"
    command = [sys.executable, "-c", JOB.replace("{body}", body), "--log", str(log)]
    process = subprocess.Popen(command, stderr=theirs, stdout=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait() == 0
    assert b"work" in seen
    assert log.read_text() == "all is well\n"


def test_a_job_does_without_what_it_does_not_need():
    code = (
        "from cadnet import job; job.without('pandas')\n"
        "import pyarrow as pa, numpy as np\n"
        "table = pa.table({'a': pa.array([1.5, 2.5]), 'b': [[1], None]})\n"
        "assert table['a'].to_numpy().tolist() == [1.5, 2.5]\n"
        "assert table['b'].to_pylist() == [[1], None]\n"
        "import sys; print(sys.modules.get('pandas'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
