"""A store that is read whole into a file, because it cannot be asked for keys: every look goes there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from penstock.rows import Record
from penstock.shelf.records import RecordFile

PAGE = 1000


class Snapshot:
    """read: puts all records into the file that it is given. Raises whatever that raises."""

    def __init__(self, read: Callable[[RecordFile], Awaitable[None]]) -> None:
        self._read = read
        self._file: RecordFile | None = None
        self._times_read = 0
        self._reading = asyncio.Lock()

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """As the store was when it was read."""
        return (await self._records()).look_up(keys)

    async def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        for keys in (await self._records()).keys(PAGE):
            yield keys

    async def without_key(self) -> int:
        return (await self._records()).without_key

    def look_again(self) -> None:
        """The next look reads the store again, but for once: one that is read for every doubt would be read for ever."""
        if self._times_read == 1:
            self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _records(self) -> RecordFile:
        async with self._reading:
            if self._file is None:
                file = RecordFile()
                try:
                    await self._read(file)
                    file.complete()
                except BaseException:
                    file.close()
                    raise
                self._file = file
                self._times_read += 1
            return self._file
