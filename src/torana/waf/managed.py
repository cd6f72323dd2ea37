"""Managed rule groups: rules of ours under the names that AWS gave its own.

The names, what each looks at and the labels are documented; the patterns behind AWS's are not, so
these are our own and differ in what they find. Source: WAF Developer Guide, "AWS Managed Rules
rule groups list".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from torana.waf.faults import BadRule

Json = dict[str, Any]
VENDOR = "AWS"

_ARGUMENTS: Json = {"AllQueryArguments": {}}
_PATH: Json = {"UriPath": {}}
_QUERY: Json = {"QueryString": {}}
_BODY: Json = {"Body": {"OversizeHandling": "CONTINUE"}}
_HEADERS: Json = {
    "Headers": {
        "MatchPattern": {"All": {}},
        "MatchScope": "VALUE",
        "OversizeHandling": "CONTINUE",
    }
}
_COOKIE: Json = {
    "Cookies": {
        "MatchPattern": {"All": {}},
        "MatchScope": "VALUE",
        "OversizeHandling": "CONTINUE",
    }
}
_PLACES: Mapping[str, Json] = {
    "BODY": _BODY,
    "COOKIE": _COOKIE,
    "HEADER": _HEADERS,
    "QUERYARGUMENTS": _ARGUMENTS,
    "QUERYSTRING": _QUERY,
    "URIPATH": _PATH,
}
_DECODED = ("URL_DECODE_UNI", "HTML_ENTITY_DECODE")
_PLAIN = ("URL_DECODE_UNI", "LOWERCASE")


class Group(Struct, frozen=True):
    """One managed rule group."""

    description: str
    space: str
    """Of its labels: `awswaf:managed:aws:{space}:`."""
    capacity: int
    """WCUs, as the service counts it."""
    rules: Sequence[Json]


def _transforms(names: Sequence[str]) -> list[Json]:
    return [{"Priority": place, "Type": name} for place, name in enumerate(names)]


def _size(field: Json, most: int) -> Json:
    return {
        "SizeConstraintStatement": {
            "FieldToMatch": field,
            "ComparisonOperator": "GT",
            "Size": most,
            "TextTransformations": _transforms(["NONE"]),
        }
    }


def _regex(field: Json, pattern: str, transforms: Sequence[str] = _PLAIN) -> Json:
    return {
        "RegexMatchStatement": {
            "FieldToMatch": field,
            "RegexString": pattern,
            "TextTransformations": _transforms(transforms),
        }
    }


def _any_of(*statements: Json) -> Json:
    if len(statements) == 1:
        return statements[0]
    return {"OrStatement": {"Statements": list(statements)}}


def _xss(field: Json) -> Json:
    return {
        "XssMatchStatement": {"FieldToMatch": field, "TextTransformations": _transforms(_DECODED)}
    }


def _sqli(field: Json, level: str) -> Json:
    return {
        "SqliMatchStatement": {
            "FieldToMatch": field,
            "SensitivityLevel": level,
            "TextTransformations": _transforms(("URL_DECODE_UNI",)),
        }
    }


def _everywhere(base: str, pattern: str | Sequence[str], *places: str) -> list[tuple[str, Json]]:
    """The same patterns in several places, a rule each."""
    patterns = [pattern] if isinstance(pattern, str) else pattern
    return [
        (
            f"{base}_{place}",
            _any_of(*(_regex(_PLACES[place], each) for each in patterns)),
        )
        for place in places
    ]


def _rules(space: str, named: Sequence[tuple[str, Json]]) -> list[Json]:
    return [
        {
            "Name": name,
            "Priority": place,
            "Statement": statement,
            "Action": {"Block": {}},
            "RuleLabels": [{"Name": _label(name)}],
        }
        for place, (name, statement) in enumerate(named)
    ]


_LABEL_WORDS: Mapping[str, str] = {
    "QUERYARGUMENTS": "QueryArguments",
    "QUERYSTRING": "QueryString",
    "URIPATH": "URIPath",
}


def _label(name: str) -> str:
    """`GenericLFI_BODY` is labelled `GenericLFI_Body`."""
    base, _, place = name.rpartition("_")
    return f"{base}_{_LABEL_WORDS.get(place, place.capitalize())}" if base else name


_AGENT: Json = {"SingleHeader": {"Name": "user-agent"}}
_NO_AGENT: Json = {
    "NotStatement": {
        "Statement": {
            "SizeConstraintStatement": {
                "FieldToMatch": _AGENT,
                "ComparisonOperator": "GT",
                "Size": 0,
                "TextTransformations": _transforms(["NONE"]),
            }
        }
    }
}
_BOTS = (
    r"\b(?:nikto|nessus|sqlmap|acunetix|netsparker|w3af|dirbuster|gobuster|masscan|zgrab|nmap|"
    r"openvas|wpscan|havij|arachni|commix|nuclei|jaeles|feroxbuster|fimap|morfeus|zmeu|scanbot|"
    r"grabber|webinspect|appscan|burpcollab)"
)
_METADATA = (
    r"(?:169\.254\.169\.254|0xa9fea9fe|2852039166|fd00:ec2::254|instance-data\.ec2\.internal|"
    r"latest/(?:meta-data|user-data|api/token|dynamic/instance-identity))"
)
_TRAVERSAL = (
    r"(?:^|[/\\=:\s'\"])\.\.(?:[/\\;]|$)|\.\.[/\\]\.\.[/\\]|"
    r"(?:%2e|%252e|%c0%ae|%u002e){2}|\.\.(?:%2f|%252f|%5c|%255c|%c0%af|%c1%9c|%u2215|%u2216)"
)
_REMOTE = (
    r"(?:^|=)\s*(?:https?|ftps?|sftp|tftp|gopher|dict|file|php|zip|data|expect|phar|ogg|ssh2|jar|netdoc)"
    r"://(?:[0-9]{1,3}\.){3}[0-9]{1,3}|"
    r"(?:^|=)\s*(?:https?|ftps?|file)://\S+(?:\.(?:php|txt|cgi|sh|pl|inc)\??|\?+)\s*$"
)
_EXTENSIONS = (
    r"\.(?:ini|log|bak|old|backup|swp|sql|conf|config|inc|key|pem|pfx|crt|mdb|dat|dbf|cmd|bat|dll|"
    r"asax|ascx|axd|cs|csproj|cdx|cer|cfg|htr|htw|ida|idc|idq|lnk|licx|pol|printer|pwd|rdb|resources|"
    r"resx|sys|vb|vbproj|vbs|vsdisco|webinfo|xsd|xsx)(?:$|[?/\s])"
)
_COMMON = [
    ("NoUserAgent_HEADER", _NO_AGENT),
    ("UserAgent_BadBots_HEADER", _regex(_AGENT, _BOTS, ("LOWERCASE",))),
    ("SizeRestrictions_QUERYSTRING", _size(_QUERY, 2048)),
    (
        "SizeRestrictions_Cookie_HEADER",
        _size({"SingleHeader": {"Name": "cookie"}}, 10240),
    ),
    ("SizeRestrictions_BODY", _size({"Body": {"OversizeHandling": "MATCH"}}, 8192)),
    ("SizeRestrictions_URIPATH", _size(_PATH, 1024)),
    *_everywhere("EC2MetaDataSSRF", _METADATA, "BODY", "COOKIE", "URIPATH", "QUERYARGUMENTS"),
    *_everywhere("GenericLFI", _TRAVERSAL, "QUERYARGUMENTS", "URIPATH", "BODY"),
    *_everywhere("RestrictedExtensions", _EXTENSIONS, "URIPATH", "QUERYARGUMENTS"),
    *_everywhere("GenericRFI", _REMOTE, "QUERYARGUMENTS", "BODY", "URIPATH"),
    ("CrossSiteScripting_COOKIE", _xss(_COOKIE)),
    ("CrossSiteScripting_QUERYARGUMENTS", _xss(_ARGUMENTS)),
    ("CrossSiteScripting_BODY", _xss(_BODY)),
    ("CrossSiteScripting_URIPATH", _xss(_PATH)),
]
_JAVA = [
    r"(?:runtime|processbuilder)\b.{0,200}(?:clonetransformer|forclosure|instantiatefactory|"
    r"instantiatetransformer|invokertransformer|prototypeclonefactory|"
    r"prototypeserializationfactory|whileclosure|getproperty|filewriter|xmldecoder)",
    r"\b(?:com\.opensymphony\.xwork2|com\.sun\.org\.apache|java\.beans\.xmldecod|javassist\b|"
    r"org\.apache\.(?:commons|struts2?)\b|org\.omg\.corba|sun\.reflect|java\.io\.\w+|"
    r"java\.lang\.(?:class|integer|number|object|process|reflect|runtime|string|system))|"
    r"java\.(?:runtime|processbuilder)|unmarshaller|javax\.(?:script|naming)|getruntime\(\)|"
    r"freemarker\.template\.utility\.execute|ognl\.ognlcontext|#_memberaccess|\$\{\{?t\(java",
]
_SERIALIZED = r"(?:^|[^a-z0-9+/])(?:ro0ab[a-z0-9+/]|kztaau|kztaaf|cs7qaf|aced0005)|\xac\xed\x00\x05"
_LOG4J = (
    r"\$\{(?:jndi|[^}]{0,60}\$\{[^}]{0,60}(?:lower|upper|env|sys|::-|date)[^}]{0,60}\}|"
    r"(?:lower|upper|env|sys|::-)[^}]{0,60}j)"
)
_SPRING = (
    r"class\.(?:module\.)?classloader|class\[['\"]module|functionrouter|"
    r"spring\.cloud\.function\.routing-expression"
)
_KNOWN_BAD = [
    *_everywhere(
        "JavaDeserializationRCE", [*_JAVA, _SERIALIZED], "BODY", "URIPATH", "QUERYSTRING", "HEADER"
    ),
    ("Host_localhost_HEADER", _regex({"SingleHeader": {"Name": "host"}}, r"^localhost(?::\d+)?$")),
    ("PROPFIND_METHOD", _regex({"Method": {}}, r"^propfind$", ("LOWERCASE",))),
    (
        "ExploitablePaths_URIPATH",
        _regex(
            _PATH,
            r"/(?:web-inf|meta-inf)(?:/|$)|/\.(?:git|svn|hg|env|aws|ssh|htaccess|htpasswd)(?:/|$)|"
            r"/\.env\.|/(?:wp-config|phpunit/.*eval-stdin)\.php|/cgi-bin/\.\./|/actuator/(?:env|"
            r"heapdump|gateway)|/console/login/loginform\.jsp|/invoker/jmxinvokerservlet|/solr/admin",
        ),
    ),
    *_everywhere("Log4JRCE", _LOG4J, "HEADER", "QUERYSTRING", "BODY", "URIPATH"),
    *_everywhere("SpringCoreRCE", _SPRING, "BODY", "QUERYSTRING"),
]
_SQLI = [
    ("SQLi_QUERYARGUMENTS", _sqli(_ARGUMENTS, "LOW")),
    ("SQLiExtendedPatterns_QUERYARGUMENTS", _sqli(_ARGUMENTS, "HIGH")),
    ("SQLi_BODY", _sqli(_BODY, "LOW")),
    ("SQLiExtendedPatterns_BODY", _sqli(_BODY, "HIGH")),
    ("SQLi_COOKIE", _sqli(_COOKIE, "LOW")),
    ("SQLi_URIPATH", _sqli(_PATH, "LOW")),
]
_UNIX_FILES = (
    r"(?:/etc/(?:passwd|shadow|group|hosts|sudoers|fstab|crontab|ssh/|issue|resolv\.conf|"
    r"master\.passwd|(?:httpd|apache2?|nginx)/)|/proc/(?:self|version|cmdline|cpuinfo|mounts|net|"
    r"sched_debug|\d+/)|/var/(?:log|run|mail|spool)/|/(?:root|home/[^/]+)/\.|\.(?:bash_history|"
    r"bashrc|ssh/(?:id_|authorized)|aws/credentials|kube/config|docker/config))"
)
_LINUX = [*_everywhere("LFI", _UNIX_FILES, "URIPATH", "QUERYSTRING", "HEADER")]
_PROGRAMS = (
    r"(?:cat|id|ls|uname|whoami|wget|curl|nc|ncat|netcat|bash|zsh|ksh|sh|ping|nslookup|dig|ifconfig|"
    r"ps|pwd|echo|printf|rm|cp|mv|chmod|chown|python[23]?|perl|ruby|php|telnet|ssh|scp|tftp|awk|"
    r"sed|head|tail|more|less|sleep|env|export|sudo|su|kill|find|grep|base64|xxd|tee|time|nohup)"
)
_COMMANDS = [
    r"(?:[;|&`\n]|\|\||&&|\$\()\s*(?:/(?:usr/)?s?bin/|\\)?"
    + _PROGRAMS
    + r"(?:$|[\s;|&<>`)\"'$/\\])",
    r"\$\((?:[^)]|\([^)]*\))+\)|<\([^)]+\)|\$\{ifs\}|\$ifs\b|(?:^|\s)/(?:usr/)?s?bin/[a-z]+",
    r"/dev/(?:tcp|udp|shm)/|(?:^|[\s;|&])(?:ba|z|k)?sh\s+-[ci]\b",
]
_POSIX = [
    *_everywhere("UNIXShellCommandsVariables", _COMMANDS, "QUERYSTRING", "BODY", "HEADER"),
]
_WINDOWS_COMMANDS = [
    r"\bfor\s*(?:/[dflr]\b.{0,80})?%+\S{1,12}\s+in\s*\(.{0,200}\)\s*do\b|\bif\s+(?:/i\s+)?(?:not\s+)?"
    r"(?:exist\s|defined\s|errorlevel\s|cmdextversion\s|\S{1,80}\s*(?:\b(?:equ|neq|lss|leq|gtr|geq)\b|"
    r"==)\s*\S{1,80}\s+(?:\(|goto|echo|set|call|cmd|@))",
    r"(?:[;|&`]|\|\||&&|^)\s*(?:cmd(?:\.exe)?\s*/|powershell|net\s+(?:user|localgroup|view|use)|"
    r"tasklist|ipconfig|systeminfo|certutil|bitsadmin|wmic|reg\s+(?:add|query)|type\s+[a-z]:\\|"
    r"dir\s+[a-z]:\\|ping\s+-n)",
    r"%(?:systemroot|windir|comspec|programfiles|appdata|userprofile)%|[a-z]:\\(?:windows|winnt|"
    r"boot\.ini|inetpub)|\\system32\\|win\.ini|boot\.ini",
]
_POWERSHELL = [
    r"(?:invoke-(?:expression|webrequest|command|mimikatz)|iex\s*\(|new-object\s+(?:system\.)?net\."
    r"webclient|downloadstring\(|-encodedcommand\s|frombase64string\()",
]
_WINDOWS = [
    *_everywhere("WindowsShellCommands", _WINDOWS_COMMANDS, "COOKIE", "QUERYARGUMENTS", "BODY"),
    *_everywhere("PowerShellCommands", _POWERSHELL, "COOKIE", "QUERYARGUMENTS", "BODY"),
]
_PHP_FUNCTIONS = [
    r"(?:<\?(?:php|=)|\b(?:base64_decode|eval|assert|system|exec|shell_exec|passthru|popen|"
    r"proc_open|pcntl_exec|phpinfo|file_get_contents|file_put_contents|fopen|fsockopen|"
    r"create_function|call_user_func(?:_array)?|preg_replace|move_uploaded_file|chr|gzinflate|"
    r"str_rot13|unserialize|ini_set|putenv|readfile|highlight_file|var_dump|array_map)\s*\()",
    r"\$_(?:get|post|request|cookie|server|files|session|env)\b|php://(?:input|filter|std(?:in|out|err)|memory|temp)|"
    r"\b(?:gzuncompress|gzencode|gzdecode|print_r|var_export|parse_ini_file|show_source|audiofile|"
    r"chroot|posix_getuid|fputs|glob|opendir|bzopen|curl_exec|dl|php_uname|getmyuid)\s*\(|"
    r"\(\s*['\"]?(?:system|exec|passthru|shell_exec|assert|eval)['\"]?\s*\)\s*\(|"
    r"\b[oac]:\d+:(?:\"[^\"]*\":\d+:)?\{",
    r"\$\{?[@_a-z0-9.\[\]{}-]{1,40}\}?\s*\([^()]*\)\s*;?$",
]
_PHP = [
    *_everywhere("PHPHighRiskMethodsVariables", _PHP_FUNCTIONS, "HEADER", "QUERYSTRING", "BODY"),
]
_ADMIN = [
    (
        "AdminProtection_URIPATH",
        _regex(
            _PATH,
            r"/(?:wp-admin|phpmyadmin|pma|adminer|sqlmanager|mysqlmanager|administrator|admin|"
            r"manager/html|jmx-console|web-console|_cpanel|cpanel|webadmin)(?:/|\.php|\.aspx?|\.jsp|$)",
        ),
    )
]


def _group(description: str, space: str, cost: int, named: Sequence[tuple[str, Json]]) -> Group:
    return Group(description, space, cost, _rules(space, named))


MANAGED: Mapping[str, Group] = {
    "AWSManagedRulesAdminProtectionRuleSet": _group(
        "Refuses pages that administer a server.", "admin-protection", 100, _ADMIN
    ),
    "AWSManagedRulesCommonRuleSet": _group(
        "Refuses what is an attack on nearly any web application.", "core-rule-set", 700, _COMMON
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": _group(
        "Refuses inputs that only exploit known holes.", "known-bad-inputs", 200, _KNOWN_BAD
    ),
    "AWSManagedRulesLinuxRuleSet": _group(
        "Refuses the reading of a Linux system's files.", "linux-os", 200, _LINUX
    ),
    "AWSManagedRulesPHPRuleSet": _group(
        "Refuses PHP code and functions in inputs.", "php-app", 100, _PHP
    ),
    "AWSManagedRulesSQLiRuleSet": _group(
        "Refuses SQL injection.", "sql-database", 200, _SQLI
    ),
    "AWSManagedRulesUnixRuleSet": _group(
        "Refuses shell commands of POSIX systems.", "posix-os", 100, _POSIX
    ),
    "AWSManagedRulesWindowsRuleSet": _group(
        "Refuses commands and paths of Windows.", "windows-os", 200, _WINDOWS
    ),
}  # fmt: skip
"""By the service's name. Groups that need lists of addresses or a browser's cooperation (IP
reputation, bots, accounts) are not here."""


def managed(vendor: str, name: str) -> tuple[Sequence[Json], str, int]:
    """Rules, the prefix of their labels and the capacity. Raises `BadRule`."""
    group = MANAGED.get(name) if vendor == VENDOR else None
    if group is None:
        raise BadRule(
            "MANAGED_RULE_SET_STATEMENT",
            f"{vendor}/{name}",
            f"This rule group is not here. There are: {', '.join(MANAGED)}",
        )
    return group.rules, f"awswaf:managed:aws:{group.space}:", group.capacity
