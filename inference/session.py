"""ONNX sessions that can be stopped: a model that takes too long is ended, and another one answers."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

from pricewright.core.errors import ModelError
from pricewright.core.onnx_file import refuse_elsewhere

Result = TypeVar("Result")
MOST_MEMORY = 512 << 20  # bytes of ONNX Runtime: an SVR of 20,000 support vectors and 60 features takes 5 MB
FATAL = 4
MOST_LATE = 4  # calls of one release that were given up and still run


class Worker(Generic[Result]):
    """A thread that does one piece of work at a time; a caller that waits longer than the limit goes on without it."""

    def __init__(self) -> None:
        from queue import SimpleQueue

        self._todo: SimpleQueue[tuple[Callable[[], Result], list[Any], threading.Lock] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name="model")
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def retire(self) -> None:
        """End the thread, once its present work ends."""
        self._todo.put(None)

    def do(self, work: Callable[[], Result], seconds: float) -> Result:
        """The result of `work`, or what it raised. Raises TimeoutError after the limit."""
        outcome: list[Any] = []
        done = threading.Lock()
        done.acquire()
        self._todo.put((work, outcome, done))
        if not done.acquire(timeout=seconds):
            raise TimeoutError
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        result: Result = outcome[0]
        return result

    def _work(self) -> None:
        while given := self._todo.get():
            work, outcome, done = given
            try:
                outcome.append(work())
            except Exception as error:  # noqa: BLE001  raised again where the result is waited for
                outcome.append(error)
            done.release()
            del given, work, outcome, done


class Workers:
    """Idle workers, reused; one that ran over its limit ends with its work, and few of them may be at it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._idle: list[Worker[Any]] = []
        self._late: list[Worker[Any]] = []

    def do(self, work: Callable[[], Result], stop: Callable[[], None]) -> Result:
        """Do the work within the limit. Raises ModelError when it takes longer, after asking it to stop."""
        try:
            worker: Worker[Any] = self._idle.pop()
        except IndexError:
            worker = self._hire()
        try:
            result: Result = worker.do(work, self.seconds)
        except TimeoutError:
            self._late.append(worker)
            worker.retire()
            stop()
            raise ModelError(too_long(self.seconds)) from None
        except BaseException:
            self._idle.append(worker)
            raise
        self._idle.append(worker)
        return result

    def _hire(self) -> Worker[Any]:
        """A new worker. Raises ModelError while too many calls that were given up still run."""
        self._late = [worker for worker in self._late if worker.alive]
        if len(self._late) >= MOST_LATE:
            raise ModelError(f"{len(self._late)} calls still run after {self.seconds:g} s, at most {MOST_LATE} may.")
        return Worker()


class Stoppable:
    """An ONNX session whose run can be ended from another thread."""

    def __init__(self, session: Any) -> None:
        import onnxruntime

        self._session = session
        self.options = onnxruntime.RunOptions()

    def run(self, outputs: list[str], feed: dict[str, Any]) -> Any:
        """As InferenceSession.run."""
        return self._session.run(outputs, feed, self.options)

    def stop(self) -> None:
        """End the run that goes on, and take new options for the next."""
        import onnxruntime

        self.options.terminate = True
        self.options = onnxruntime.RunOptions()


def open_session(body: bytes) -> Stoppable:
    """A session on one thread: one SKU's curve is a small matter. All of them share MOST_MEMORY.

    Raises ReleaseError when the model has numbers in another file.
    """
    import onnxruntime

    refuse_elsewhere("the model", body)
    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = FATAL  # what fails is an exception, which the answer and the log name
    return Stoppable(onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"]))


@cache
def _limit_memory() -> None:
    """Once a process: a small file can ask for any amount, and the machine would end the process, not the model."""
    import onnxruntime

    settings = {"max_mem": MOST_MEMORY, "arena_extend_strategy": 1}  # 1: no more than is asked for
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(settings))


def too_long(seconds: float) -> str:
    """What is said of a model that did not answer in time."""
    return f"no answer within {seconds:g} s."
