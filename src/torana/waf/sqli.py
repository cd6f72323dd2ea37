"""SQL injection: whether a text, put into a statement, would change what the statement does.

The text is read as SQL three times: as it stands, as if it began within single quotes, and within
double quotes. Its tokens, a letter each, are then looked at for the shapes that attacks have.
"""

import re
from collections.abc import Iterator

_LONGEST = 8 * 1024
"""Bytes that are read as SQL."""
_MOST = 60
"""Tokens: the shape of an attack shows at its beginning."""

_TOKEN = re.compile(
    r"""
    (?P<space>[\s\x00\xa0]+)
  | (?P<comment>/\*(?!!).*?(?:\*/|\Z) | --(?=[\s\-]|\Z)[^\n]* | --(?=[^\s])[^\n]* | \#[^\n]*)
  | (?P<hint>/\*!\d*|\*/)
  | (?P<string>[nbxe]?'(?:[^'\\]|''|\\.)*(?:'|\Z) | "(?:[^"\\]|""|\\.)*(?:"|\Z))
  | (?P<quoted>`[^`]*(?:`|\Z) | \[[a-z_][\w ]*\])
  | (?P<number>0x[0-9a-f]+|0b[01]+|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)
  | (?P<variable>@{1,2}[\w.$`'"]*|\$\d+)
  | (?P<word>[a-z_\x80-\uffff][\w$.\x80-\uffff]*)
  | (?P<logic>&&|\|\|)
  | (?P<compare><=>|<>|!=|>=|<=|:=|=|<|>|!<|!>|~\*|!~|~)
  | (?P<sign>[+\-*/%^&|!]+?)
  | (?P<mark>[(),;{}])
  | (?P<other>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_KIND = {
    "comment": "c",
    "string": "s",
    "quoted": "n",
    "number": "1",
    "variable": "v",
    "logic": "&",
    "compare": "=",
    "sign": "o",
    "other": "?",
}


def _words(letter: str, words: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), letter)


_WORDS: dict[str, str] = {
    **_words("&", "and or xor"),
    **_words("=", "like rlike regexp is between in glob sounds ilike similar"),
    **_words("o", "div mod not binary collate escape"),
    **_words("u", "union intersect except minus"),
    **_words("e", "select"),
    **_words(
        "t",
        "insert update delete drop create alter truncate exec execute declare shutdown grant "
        "revoke merge replace call handler load waitfor kill dbcc backup restore use begin end",
    ),
    **_words("b", "order group having limit offset procedure into"),
    **_words("k", "from where by all distinct set values table database schema outfile dumpfile "
        "delay time then else when case if exists null top as on join using"),
    **_words(
        "f",
        "ascii benchmark bin cast char chr coalesce concat concat_ws conv convert count "
        "current_database current_user database exp extractvalue field find_in_set floor "
        "group_concat hex ifnull instr json_keys left length load_extension load_file locate "
        "lower make_set md5 mid name_const ord pg_sleep position procedure quote rand randomblob "
        "rand repeat reverse right row_count rpad schema session_user sha1 sleep sqlite_version "
        "strcmp substr substring substring_index system_user sys_eval sys_exec to_char trim "
        "typeof uncompress unhex updatexml user user_id user_name utl_http.request "
        "utl_inaddr.get_host_address version xmltype xp_cmdshell xp_dirtree xp_regread db_name "
        "dbms_pipe.receive_message dbms_lock.sleep is_srvrolemember openrowset iif nullif",
    ),
}  # fmt: skip


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Letters and words of a text that is read as SQL."""
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or "other"
        if kind in ("space", "hint"):
            continue
        value = found[0].lower()
        if kind == "mark":
            yield value, value
        elif kind == "word":
            yield _WORDS.get(value, "n"), value
        else:
            yield _KIND[kind], value


def _shape(text: str) -> str:
    letters: list[str] = []
    for letter, word in _tokens(text):
        if letter == "c" and not word.startswith(("--", "#")) and len(word) < 400:
            continue  # A comment within a statement is a blank.
        letters.append(letter)
        if len(letters) >= _MOST:
            break
    return "".join(letters)


_VALUE = r"\(*[1snvf](?:\([^()]*\))?\)*"
# Of a text that stands in a statement as it is, or after leaving a string.
_STRONG = [
    # union select
    r"u(?:k|\()*e",
    # …; drop table
    r";\(?(?:t|e[1svf*(o])",
    # or 1=1, and 'a' like 'a', or exists(select …)
    rf"&o*{_VALUE}o*=o*\(*[1snvfek(]",
    r"&o*\(*(?:k\(|e|f\()",
    # (select … , if(…), case when
    r"\(+e[1snvfok(]",
    r"[1sv)&o=,](?:k?\()+k?e",
    r"^k\(.*,.*,",
    # a function that only SQL has, called after an operator
    r"[&=o,(][o(]*f\([^()]*[1snvfe@]*",
]
_BROKEN_OUT = [
    # x' --
    r"^s[)]*c$",
    r"^s[)]*;?c",
    # x' or 'a
    rf"^s[)]*&o*{_VALUE}(?:[=&;c)]|$)",
    r"^s[)]*&o*\(+[e1fk]",
    r"^s[)]*(?:b|u|;)",
    r"^s[)]*[=o]+\(*[1vfe(]",
    r"^s[)]*[=o]+\(*s(?:[=o&c;]|$)",
]
_STANDING = [
    # 1 or 1 --
    rf"^[1)]+&o*{_VALUE}(?:[;c)]|$)",
    r"^1[)]*;?c$",
    r"^[1sn)]*b[bk]+[1nf(]+[,1c]",
    r"^[1]+[)]*b[1k]",
]
_STRONG_AT = re.compile("|".join(_STRONG))
_BROKEN_OUT_AT = re.compile("|".join(_BROKEN_OUT))
_STANDING_AT = re.compile("|".join(_STANDING))

_TELLING = re.compile(
    r"\b(?:information_schema|sysobjects|syscolumns|sqlite_master|pg_catalog|msysaccessobjects|"
    r"mysql\.user|xp_cmdshell|sp_executesql|sp_password|utl_http|dbms_pipe)\b"
    r"|\binto\s+(?:out|dump)file\s*['\"]|\bwaitfor\s+delay\b|\bload_file\s*\("
    r"|\b(?:sleep|pg_sleep|benchmark|extractvalue|updatexml)\s*\(\s*[^)]"
    r"|\bprocedure\s+analyse\s*\(|\bunion\s+(?:all\s+|distinct\s+)?select\b"
    r"|\bselect\b.{1,200}\bfrom\b.{1,100}\b(?:where|limit|group|order|union|having)\b"
    r"|\bselect\s+(?:\*|@@\w+|(?:count|concat|group_concat|char|version|user|database)\s*\()"
    r"|;\s*(?:drop|truncate|alter)\s+(?:table|database|view|user)\b"
    r"|\balter\s+table\s+\S+\s+(?:add|drop|change|modify|rename)\b|\bexecute\s+immediate\s+['\"]"
    r"|\b(?:db_name|schema_name|current_user|session_user|system_user)\s*\(|\[\$(?:n?e|[gl]te?|n?in|where|regex)\]"
    r"|\bdeclare\s+@\w|\bexec(?:ute)?\s+master\.|\)\s*as\s+[`'\"]?\w+[`'\"]?\s+from\b"
    r"|;\s*(?:insert\s+into|delete\s+from|update\s+\w+\s+set|exec(?:ute)?\s)\b",
    re.IGNORECASE | re.DOTALL,
)
_HINTS = re.compile(
    r"['\"#;(]|--|/\*|\b(?:and|or|union|select|having|order|group|xor|like|insert|exec|"
    r"execute|declare|alter|into|information_schema|pg_catalog|sysobjects|sqlite_master|"
    r"msysaccessobjects|xp_cmdshell)\b|&&|\|\||\[\$",
    re.IGNORECASE,
)


def is_sqli(value: bytes, *, sensitive: bool = False) -> bool:
    """Whether a text is an SQL injection. `sensitive` takes more, and more that is harmless."""
    text = value[:_LONGEST].decode("utf-8", "replace")
    if not _HINTS.search(text):
        return False
    plain = re.sub(r"/\*!?\d*|\*/", " ", text)
    if _TELLING.search(plain):
        return True
    letters = _shape(text)
    if len(letters) > 1 and (_STANDING_AT.search(letters) or _attacks(letters, sensitive)):
        return True
    for quote in ("'", '"'):
        if quote not in text:
            continue
        letters = _shape(quote + text)
        if _BROKEN_OUT_AT.search(letters) or (sensitive and _STRONG_AT.search(letters)):
            return True
    return False


def _attacks(letters: str, sensitive: bool) -> bool:
    """Natural language has `and` and `or`, too; it hardly has what stands around them in SQL."""
    if _STRONG_AT.search(letters) is None:
        return False
    return sensitive or letters.count("n") * 2 <= len(letters) + 4
