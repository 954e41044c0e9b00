"""Run by SWE-ReX's own Python: starts its Docker deployment and times what each line of standard input asks for."""

import asyncio
import json
import os
import sys
import time

from swerex.deployment.docker import DockerDeployment  # type: ignore[import-not-found]
from swerex.runtime.abstract import BashAction, Command, CreateBashSessionRequest  # type: ignore[import-not-found]

# Its log goes to standard output, which belongs to the answers.
ANSWERS = open(os.dup(1), "w")  # noqa: SIM115 - until the end
os.dup2(2, 1)


async def main() -> None:
    told = json.loads(sys.argv[1])
    path = f"{told['path']}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    options = ["--runtime", told["runtime"], "-v", told["packages"], "-e", f"PATH={path}"]
    deployment = DockerDeployment(image=told["image"], pull="never", docker_args=options)
    await deployment.start()
    try:
        runtime = deployment.runtime
        runtime._config.timeout = 60
        await runtime.create_session(CreateBashSessionRequest(startup_timeout=10))
        for line in sys.stdin:
            began = time.monotonic()
            match line.strip():
                case "execute":
                    done = await runtime.execute(Command(command=[told["program"]]))
                case "session":
                    done = await runtime.run_in_session(BashAction(command=told["program"]))
                case _:
                    done = await runtime.is_alive()
            took = time.monotonic() - began
            if getattr(done, "exit_code", 0) != 0:
                raise RuntimeError(f"{line.strip()}: {done}")
            ANSWERS.write(f"{took}\n")
            ANSWERS.flush()
    finally:
        await deployment.stop()


asyncio.run(main())
