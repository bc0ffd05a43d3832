"""Questions of workers on other machines to the process of the search, through an actor of Ray's.

In a module of its own because it needs ray when it is imported.
"""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray

from scaling_search.files import inside, write_atomically
from scaling_search.search.executors.stores import blocks_of
from scaling_search.search.executors.trouble import Trouble, reason_of

_WAIT = 1.0  # seconds between two looks at whether the search has ended

Answer = Callable[[Any], Any]
"""What the search answers to one kind of question, from what came with it."""


class _Box:
    """Holds questions until they are taken and answered."""

    def __init__(self) -> None:
        self._questions: asyncio.Queue[tuple[int, str, Any]] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()

    async def ask(self, kind: str, content: Any) -> Any:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._questions.put((number, kind, content))
        return await self._answers[number]

    async def take(self) -> tuple[int, str, Any] | None:
        try:
            return await asyncio.wait_for(self._questions.get(), _WAIT)
        except TimeoutError:
            return None

    async def answer(self, number: int, answer: Any) -> None:
        waiting = self._answers.pop(number)
        if not waiting.done():
            waiting.set_result(answer)


@dataclass(frozen=True)
class Post:
    """The way to the search's process, for those elsewhere."""

    box: Any

    def ask(self, kind: str, content: Any) -> Any:
        """What the search answers.

        Raises:
            Trouble: why it cannot.
        """
        trouble, answer = ray.get(self.box.ask.remote(kind, content))
        if trouble:
            raise Trouble(trouble)
        return answer


@contextmanager
def served(answers: dict[str, Answer], *, node: str | None) -> Iterator[Post]:
    """Answers questions for the time of the block, in a thread of this process.

    Args:
        answers: by kind of question.
        node: where the questions wait; None: anywhere.
    """
    post = Post(_box(node))
    ended = threading.Event()
    thread = threading.Thread(target=_serve, args=(post.box, answers, ended), daemon=True, name="post")
    thread.start()
    try:
        yield post
    finally:
        ended.set()
        thread.join(5 * _WAIT)
        ray.kill(post.box)


def _box(node: str | None) -> Any:
    options: dict[str, Any] = {"num_cpus": 0, "max_concurrency": 10_000}
    if node is not None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
    return ray.remote(_Box).options(**options).remote()


def _serve(box: Any, answers: dict[str, Answer], ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            asked = ray.get(box.take.remote())
            if asked is not None:
                number, kind, content = asked
                ray.get(box.answer.remote(number, _answer(answers[kind], content)))
        except (ray.exceptions.RayError, ConnectionError, ValueError):
            if ended.wait(_WAIT):
                return


def _answer(answer: Answer, content: Any) -> tuple[str, Any]:
    try:
        return "", answer(content)
    except Exception as error:
        return reason_of(error), None


@dataclass(frozen=True)
class PostStore:
    """A `Store` that asks the search: images by way of Ray's object store, checkpoints from and to the run's folder."""

    post: Post

    def data(self, name: str) -> Iterator[bytes]:
        for piece in self.post.ask("data", name):
            yield ray.get(piece)

    def checkpoint(self, name: str) -> bytes | None:
        found = self.post.ask("checkpoint", name)
        return None if found is None else bytes(ray.get(found[0]))

    def keep(self, name: str, content: bytes) -> None:
        self.post.ask("keep", (name, [ray.put(content)]))


@dataclass
class Shelf:
    """What the search answers to a `PostStore`.

    Args:
        packed: the folder of packed images; None: no images are offered.
        checkpoints: the run's folder of checkpoints.
    """

    packed: Path | None
    checkpoints: Path
    _pieces: dict[str, list[Any]] = field(default_factory=dict)  # kept, so that the object store keeps them

    def answers(self) -> dict[str, Answer]:
        return {"data": self._data, "checkpoint": self._checkpoint, "keep": self._keep}

    def _data(self, name: str) -> list[Any]:
        assert self.packed is not None, "nobody asks for images where there are none"
        if name not in self._pieces:
            path = inside(self.packed, name.partition("/")[2])
            self._pieces[name] = [ray.put(block) for block in blocks_of(path)]
        return self._pieces[name]

    def _checkpoint(self, name: str) -> list[Any] | None:
        path = inside(self.checkpoints, name)
        return [ray.put(path.read_bytes())] if path.is_file() else None

    def _keep(self, content: tuple[str, list[Any]]) -> None:
        name, pieces = content
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        write_atomically(inside(self.checkpoints, name), ray.get(pieces[0]))
