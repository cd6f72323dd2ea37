# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Heads of HTTP/1.1 messages, compiled.

Reads and writes the usual message only: `None` leaves everything else to llhttp and to `heads.py`,
which decide the same of what is taken here (`tests/net/test_heads.py` holds them side by side).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.string cimport memchr, memcmp, memcpy

cdef extern from "Python.h":
    str PyUnicode_DecodeLatin1(const char *s, Py_ssize_t size, const char *errors)
    PyObject *PyDict_SetDefault(object p, object key, object default) except NULL
    int PyUnicode_KIND(object)
    void *PyUnicode_1BYTE_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)

from torana.net.names import known

cdef enum:
    PLAIN, HOST, LENGTH, CONNECTION, UNUSUAL

cdef dict _NAMES = {}
"""Spelling to text, text in lower case, and which of the kinds above."""
cdef dict _KINDS = {
    "host": HOST,
    "content-length": LENGTH,
    "connection": CONNECTION,
    "transfer-encoding": UNUSUAL,
    "expect": UNUSUAL,
    "upgrade": UNUSUAL,
    "proxy-connection": UNUSUAL,
}
cdef int _MOST = 2048

cdef dict _METHODS = {
    name.encode(): name for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
}
cdef str KEEP = "keep-alive"
cdef frozenset _BODIED = frozenset(("POST", "PUT", "PATCH"))

cdef unsigned char[256] IN_NAME, IN_VALUE, IN_PATH, IN_QUERY, IN_HEX, IN_HOST
for code in range(256):
    IN_VALUE[code] = code >= 32 and code != 127 or code == 9
    IN_QUERY[code] = 33 <= code <= 126 and code != 35  # "#": no fragment comes in a request
    IN_PATH[code] = IN_QUERY[code] and code != 37 and code != 63  # "%", "?"
    IN_HEX[code] = code < 128 and chr(code) in "0123456789ABCDEFabcdef"
    IN_NAME[code] = code < 128 and (chr(code).isalnum() or chr(code) in "!#$%&'*+-.^_`|~")
    IN_HOST[code] = code < 128 and (chr(code).isalnum() or chr(code) in ".-_:")


cdef tuple _name(const char *at, Py_ssize_t size):
    """What is known of a field name; None: it is none."""
    cdef bytes raw = PyBytes_FromStringAndSize(at, size)
    cdef PyObject *seen = PyDict_GetItem(_NAMES, raw)
    if seen is not NULL:
        return <tuple>seen
    spelled = known(raw)
    if spelled is None:
        return None
    found = (spelled.text, spelled.lower, _KINDS.get(spelled.lower, PLAIN))
    if len(_NAMES) < _MOST:
        _NAMES[raw] = found
    return found


cdef Py_ssize_t _digits(const unsigned char *at, Py_ssize_t size):
    """A length; -1: it is none, or none that is usual."""
    cdef Py_ssize_t value = 0, place
    if size == 0 or size > 15:
        return -1
    for place in range(size):
        if not 48 <= at[place] <= 57:
            return -1
        value = value * 10 + at[place] - 48
    return value


cdef bint _is_host(const unsigned char *at, Py_ssize_t size):
    """A plain name with perhaps a port."""
    cdef Py_ssize_t place, colon = -1
    for place in range(size):
        if not IN_HOST[at[place]]:
            return False
        if at[place] == c":":
            if colon >= 0:
                return False
            colon = place
        elif colon >= 0 and not 48 <= at[place] <= 57:
            return False
    return colon < 0 or size - colon <= 6


cdef Py_ssize_t _target_end(const unsigned char *text, Py_ssize_t at, Py_ssize_t size):
    """Where a target ends, or what `fields.is_target` may not like begins."""
    while at < size:
        if IN_PATH[text[at]]:
            at += 1
        elif text[at] == c"%" and at + 2 < size and IN_HEX[text[at + 1]] and IN_HEX[text[at + 2]]:
            if text[at + 1] == c"0" and text[at + 2] == c"0":
                return at
            at += 3
        else:
            break
    if at < size and text[at] == c"?":
        while at < size and IN_QUERY[text[at]]:
            at += 1
    return at


cdef class _Fields:
    """Of one head, as they are read."""

    cdef list items
    cdef dict first
    cdef Py_ssize_t length, hosts

    cdef Py_ssize_t read(
        self, const unsigned char *text, Py_ssize_t at, Py_ssize_t size, Py_ssize_t most
    ) except -2:
        """From the first field on. Gives where the body begins; -1: not usual, or not all here."""
        cdef Py_ssize_t start, stop, end
        cdef tuple name
        cdef str value
        cdef int kind
        self.items, self.first = [], {}
        self.length, self.hosts = -1, 0
        while at + 1 < size:
            if text[at] == c"\r":
                return at + 2 if text[at + 1] == c"\n" else -1
            if most == 0:
                return -1
            most -= 1
            start = at
            while at < size and IN_NAME[text[at]]:
                at += 1
            if at == size or text[at] != c":" or at == start:
                return -1
            name = _name(<const char *>text + start, at - start)
            if name is None:
                return -1
            at += 1
            while at < size and (text[at] == c" " or text[at] == c"\t"):
                at += 1
            start = at
            while at < size and IN_VALUE[text[at]]:
                at += 1
            if at + 1 >= size or text[at] != c"\r" or text[at + 1] != c"\n":
                return -1
            stop = at
            while stop > start and (text[stop - 1] == c" " or text[stop - 1] == c"\t"):
                stop -= 1
            at += 2
            value = PyUnicode_DecodeLatin1(<const char *>text + start, stop - start, NULL)
            kind = name[2]
            if kind != PLAIN and not self._fits(kind, text + start, stop - start, value):
                return -1
            self.items.append((name[0], value))
            PyDict_SetDefault(self.first, name[1], value)
        return -1

    cdef bint _fits(self, int kind, const unsigned char *at, Py_ssize_t size, str value):
        """Whether a field that speaks of framing says what is usual."""
        if kind == LENGTH:
            if self.length >= 0:
                return False
            self.length = _digits(at, size)
            return self.length >= 0
        if kind == HOST:
            self.hosts += 1
            return self.hosts == 1 and _is_host(at, size)
        return kind == CONNECTION and value.lower() == KEEP


def read_request(bytes data, Py_ssize_t at, Py_ssize_t most, Py_ssize_t target, Py_ssize_t count):
    """The request that begins at a place of `data`, if it is usual and all of it is there: method,
    target, fields, first values by name in lower case, where the body begins and where it ends.

    `most` bytes of fields, `target` of the target, `count` fields.
    """
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), start = at, begin
    cdef PyObject *method
    cdef _Fields fields = _Fields.__new__(_Fields)
    while at < size and at - start < 8 and 65 <= text[at] <= 90:
        at += 1
    if at >= size or text[at] != c" ":
        return None
    method = PyDict_GetItem(_METHODS, PyBytes_FromStringAndSize(<const char *>text + start, at - start))
    if method is NULL:
        return None
    at += 1
    start = at
    if at >= size or text[at] != c"/":
        return None
    at = _target_end(text, at, size)
    if at - start > target or size - at < 11 or memcmp(text + at, b" HTTP/1.1\r\n", 11) != 0:
        return None
    wanted = PyUnicode_DecodeLatin1(<const char *>text + start, at - start, NULL)
    at += 11
    begin = fields.read(text, at, size, count)
    if begin < 0 or fields.hosts != 1 or begin - at + len(fields.items) > most:
        return None
    at = begin + (fields.length if fields.length > 0 else 0)
    if at > size:
        return None
    return <str>method, wanted, fields.items, fields.first, begin, at


def read_reply(bytes data, Py_ssize_t most):
    """The reply that `data` is, if it is usual, all there and nothing follows: status, fields, where
    the body begins. `most` bytes of a head."""
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), at = 13, status, begin
    cdef _Fields fields = _Fields.__new__(_Fields)
    if size < 15 or memcmp(text, b"HTTP/1.1 ", 9) != 0 or text[12] != c" ":
        return None
    status = _digits(text + 9, 3)
    if not 200 <= status <= 599 or status == 204 or status == 304:
        return None
    while at < size and IN_VALUE[text[at]]:
        at += 1
    if at + 1 >= size or text[at] != c"\r" or text[at + 1] != c"\n":
        return None
    begin = fields.read(text, at + 2, size, most)
    if begin < 0 or begin > most or fields.length < 0 or begin + fields.length != size:
        return None
    return status, fields.items, begin


cdef bint _plain(str text):
    """Whether a text can stand in a head as it is."""
    cdef Py_ssize_t size
    cdef const void *data
    if PyUnicode_KIND(text) != 1:
        return False
    size, data = PyUnicode_GET_LENGTH(text), PyUnicode_1BYTE_DATA(text)
    return not (memchr(data, c"\n", size) or memchr(data, c"\r", size) or memchr(data, 0, size))


cdef char *_put(char *to, str text):
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
    memcpy(to, PyUnicode_1BYTE_DATA(text), size)
    return to + size


cpdef bint counted(list items):
    """Whether one of the fields is Content-Length."""
    cdef tuple item
    for item in items:
        if PyUnicode_GET_LENGTH(item[0]) == 14 and item[0].lower() == "content-length":
            return True
    return False


def renamed(list items, object names):
    """The fields under the names that `names` has for theirs; an empty one drops the field."""
    cdef tuple item
    cdef list kept = []
    cdef str name, own
    for item in items:
        name = item[0]
        own = names[name]
        if own is name:
            kept.append(item)
        elif own:
            kept.append((own, item[1]))
    return kept


cpdef bytes write(str first, list items, object shown, str last, bytes body):
    """A message: its first line, those fields whose names are `shown` (None: all), further lines
    that are complete, the blank line, the body. None: a text is not of one line of Latin-1."""
    cdef Py_ssize_t size
    cdef list kept = items
    cdef tuple item
    cdef str name, value
    cdef char *to
    if shown is not None:
        kept = [item for item in items if shown[item[0]]]
    if not _plain(first) or PyUnicode_KIND(last) != 1:
        return None
    size = PyUnicode_GET_LENGTH(first) + PyUnicode_GET_LENGTH(last) + 4
    for item in kept:
        name, value = item
        if not (_plain(name) and _plain(value)):
            return None
        size += PyUnicode_GET_LENGTH(name) + PyUnicode_GET_LENGTH(value) + 4
    made = PyBytes_FromStringAndSize(NULL, size + PyBytes_GET_SIZE(body))
    to = _line_end(_put(PyBytes_AS_STRING(made), first))
    for item in kept:
        to = _put(to, item[0])
        memcpy(to, b": ", 2)
        to = _line_end(_put(to + 2, item[1]))
    to = _line_end(_put(to, last))
    memcpy(to, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body))
    return made


def write_request(str method, str target, list items, bytes body):
    """A request whose body is whole, with its length where that is not among the fields and POST,
    PUT, PATCH or a body ask for it. None: see `write`, or the target holds a blank."""
    cdef str last = ""
    if (
        PyUnicode_KIND(target) != 1
        or memchr(PyUnicode_1BYTE_DATA(target), c" ", PyUnicode_GET_LENGTH(target))
        or " " in method
    ):
        return None
    if (body or method in _BODIED) and not counted(items):
        last = f"Content-Length: {PyBytes_GET_SIZE(body)}\r\n"
    return write(f"{method} {target} HTTP/1.1", items, None, last, body)


cdef char *_line_end(char *to):
    memcpy(to, b"\r\n", 2)
    return to + 2
