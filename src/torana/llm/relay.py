"""A provider's stream on its way to the client: unchanged where both speak one API, else event by
event. Nothing is held back but an event that has not come whole."""

from collections.abc import Callable, Iterable
from typing import Protocol

from torana.llm.call import Answered
from torana.llm.chat import NOTHING, Metered, Started, Stopped, Usage, named
from torana.llm.dialect import Dialect, Writer
from torana.llm.errors import LlmError
from torana.llm.route import Target
from torana.llm.sse import around, data_of, split
from torana.message import Headers


class Pipe(Protocol):
    """What becomes of a stream's bytes."""

    usage: Usage | None
    """What the provider said it used, so far."""
    events: int
    """How many have passed: about the tokens, for providers that do not say."""
    broken: LlmError | None
    """The stream reported an error: it is over."""

    def piece(self, data: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class Relay:
    """Implements `Stream`. `done` is told once that it is over."""

    def __init__(
        self,
        answered: Answered,
        pipe: Pipe,
        fail: Callable[[LlmError], bytes],
        done: Callable[[], None],
    ) -> None:
        self.trailers = Headers()
        self._begun, self._rest = answered.begun, answered.rest
        self._pipe, self._fail, self._done = pipe, fail, done
        self._over = False
        self.whole = False
        """Everything came, and no error."""

    def __aiter__(self) -> "Relay":
        return self

    async def __anext__(self) -> bytes:
        """The next bytes for the client; never empty."""
        while not self._over:
            out = await self._step()
            if out:
                return out
        raise StopAsyncIteration

    async def _step(self) -> bytes:
        pipe = self._pipe
        try:
            piece = await self._next()
        except TimeoutError:
            self._end()
            return self._fail(LlmError("timeout", "the provider stopped within its answer"))
        except ConnectionError:
            self._end()
            return self._fail(_half())
        out = pipe.finish() if piece is None else pipe.piece(piece)
        if pipe.broken is not None:
            await self.aclose()
            return out + self._fail(pipe.broken)
        if piece is None:
            self.whole = True
            self._end()
        return out

    async def _next(self) -> bytes | None:
        if self._begun:
            piece, self._begun = self._begun, b""
            return piece
        return None if isinstance(self._rest, bytes) else await anext(self._rest, None)

    async def aclose(self) -> None:
        """The client left: so do we."""
        if not isinstance(self._rest, bytes):
            await self._rest.aclose()
        self._end()

    def faulty(self, said: bytes) -> bool:
        """Whether an error is among what passed: some servers report one and end in peace."""
        return isinstance(self._pipe, Passing) and self._pipe.faulty(said)

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._done()


class Recorded:
    """A relay whose bytes are kept, if all of them come and they are not too many."""

    def __init__(self, relay: Relay, most: int, keep: Callable[[bytes], None]) -> None:
        self.trailers = relay.trailers
        self._relay, self._left, self._keep = relay, most, keep
        self._pieces: list[bytes] = []

    def __aiter__(self) -> "Recorded":
        return self

    async def __anext__(self) -> bytes:
        """See `Stream`."""
        try:
            piece = await anext(self._relay)
        except StopAsyncIteration:
            if self._relay.whole and self._left >= 0:
                said = b"".join(self._pieces)
                if not self._relay.faulty(said):
                    self._keep(said)
            raise
        self._left -= len(piece)
        if self._left >= 0:
            self._pieces.append(piece)
        else:
            self._pieces.clear()
        return piece

    async def aclose(self) -> None:
        """See `Stream`."""
        await self._relay.aclose()


class Passing:
    """Between two ends of one API. Only events that tell usage are looked into."""

    def __init__(self, dialect: Dialect, operation: str, with_usage: bool) -> None:
        self.usage: Usage | None = None
        self.broken: LlmError | None = None
        self.events = 0
        self._dialect, self._with_usage = dialect, with_usage
        self._telling = dialect.telling
        self._ending = dialect.endings.get(operation)
        self._rest = self._last = self._before = b""

    def piece(self, data: bytes) -> bytes:
        """See `Pipe`."""
        whole, self._rest = split(self._rest + data if self._rest else data)
        self.events += whole.count(b"data:")
        if whole:
            self._before, self._last = self._last, whole
        return self._looked_into(whole)

    def _looked_into(self, whole: bytes) -> bytes:
        """The events without the one that is not the client's."""
        found = self._telling.search(whole)
        if found is None:
            return whole
        kept: list[bytes] = []
        done = 0
        while found is not None:
            begin, end = around(whole, found.start())
            hidden = self._hides(whole[begin:end])
            kept.append(whole[done : begin if hidden else end])
            done = end
            found = self._telling.search(whole, done)
        kept.append(whole[done:])
        return b"".join(kept)

    def _hides(self, block: bytes) -> bool:
        for data in data_of(block):
            try:
                used = self._dialect.usage(data)
            except LlmError:
                # What cannot be read is the client's to judge, as all that passes is.
                continue
            if used is not None:
                self.usage = (self.usage or NOTHING) | used
                return not self._with_usage and self._dialect.hidden(data)
        return False

    def faulty(self, said: bytes) -> bool:
        """Whether an event of a whole stream reports an error."""
        try:
            faults = any(self._dialect.fault(data) is not None for data in data_of(said))
        except LlmError:
            return True
        return faults or b'"response.failed"' in said

    def finish(self) -> bytes:
        """See `Pipe`."""
        rest, self._rest = self._rest, b""
        said = self._before + self._last + rest
        if self._ending is not None and self._ending.search(said) is None:
            self.broken = _half()
        return self._looked_into(rest)


def _half() -> LlmError:
    return LlmError("upstream", "the provider broke off within its answer")


class Through:
    """Bytes that nobody looks into."""

    def __init__(self) -> None:
        self.usage: Usage | None = Usage()
        self.broken: LlmError | None = None
        self.events = 0

    def piece(self, data: bytes) -> bytes:
        """See `Pipe`."""
        return data

    def finish(self) -> bytes:
        """See `Pipe`."""
        return b""


class Observing:
    """Between two ends of one API whose streams are no server-sent events: all of it passes, and is
    read beside for its usage and its end."""

    def __init__(self, dialect: Dialect) -> None:
        self.usage: Usage | None = None
        self.broken: LlmError | None = None
        self.events = 0
        self._dialect, self._cut = dialect, dialect.cutter()
        self._ended = False

    def piece(self, data: bytes) -> bytes:
        """See `Pipe`."""
        try:
            for each in self._cut.feed(data):
                self.events += 1
                self._ended |= self._dialect.endings["chat"].search(each) is not None
                if self._dialect.telling.search(each) is not None:
                    used = self._dialect.usage(each)
                    self.usage = (self.usage or NOTHING) | (used or NOTHING)
        except (LlmError, ValueError):
            self.broken = _half()
        return data

    def finish(self) -> bytes:
        """See `Pipe`."""
        if not self._ended:
            self.broken = _half()
        return b""


class Translating:
    """Between two APIs."""

    def __init__(self, target: Target, writer: Writer) -> None:
        dialect = target.provider.dialect
        self._target = target
        self.usage: Usage | None = None
        self.broken: LlmError | None = None
        self.events = 0
        self._stopped = False
        self._reader, self._cut, self._writer = dialect.reader(), dialect.cutter(), writer

    def piece(self, data: bytes) -> bytes:
        """See `Pipe`."""
        return self._written(self._cut.feed(data))

    def finish(self) -> bytes:
        """See `Pipe`."""
        last = self._written(self._cut.flush())
        if not self._stopped and self.broken is None:
            self.broken = _half()
        if self.broken:
            return last
        try:
            return last + self._writer.end()
        except LlmError as error:
            self.broken = error
            return last

    def _written(self, found: Iterable[bytes]) -> bytes:
        """What came before an event that breaks the stream is still the client's."""
        out: list[bytes] = []
        try:
            for data in found:
                for event in self._reader.feed(data):
                    self.events += 1
                    if isinstance(event, (Metered, Started)) and event.usage != NOTHING:
                        self.usage = (self.usage or NOTHING) | event.usage
                    self._stopped |= isinstance(event, Stopped)
                    if isinstance(event, Started):
                        event = named(event, self._target.model)
                    out.append(self._writer.write(event))
        except LlmError as error:
            self.broken = error
        except ValueError as error:
            self.broken = LlmError("upstream", f"the provider's stream is malformed: {error}")
        return b"".join(out)
