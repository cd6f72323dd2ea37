"""Live transcription over a WebSocket, as browsers ask for it: presigned, events both ways.

It listens to what Polly said, sent faster than it would be spoken.
"""

import json
from collections.abc import Generator
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.services.running import Clients, services
from tests.services.test_transcribe import likeness
from torana.wire.event_stream import Frames, encode

# The engines load models: on a machine that is busy with other things that takes its time.
pytestmark = pytest.mark.timeout(180)

FIRST = "Please send the invoice to the office before Friday."
SECOND = "The train leaves in the evening."
AUDIO = {":message-type": "event", ":event-type": "AudioEvent"}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("live")) as found:
        yield found


def address(clients: Clients, given: dict[str, str] | None = None, *, broken: bool = False) -> str:
    client = clients("transcribe")
    query = {
        "language-code": "en-US",
        "media-encoding": "pcm",
        "sample-rate": "16000",
        **{name.replace("_", "-"): value for name, value in (given or {}).items()},
    }
    url = f"{client.meta.endpoint_url}/stream-transcription-websocket?{urlencode(query)}"
    request = AWSRequest("GET", url)
    keys = client._request_signer._credentials
    signer: Any = SigV4QueryAuth(
        Credentials(keys.access_key, keys.secret_key), "transcribe", "eu-west-1", 300
    )
    signer.add_auth(request)
    signed = str(request.url).replace("http://", "ws://")
    return signed.replace("en-US", "en-GB") if broken else signed


def speech(clients: Clients, text: str) -> bytes:
    said = clients("polly").synthesize_speech(
        Text=text, VoiceId="Matthew", OutputFormat="pcm", SampleRate="16000"
    )
    return said["AudioStream"].read()


def told(socket: ClientConnection) -> list[tuple[dict[str, str], Any]]:
    """Everything that comes until the end."""
    frames = Frames()
    found: list[tuple[dict[str, str], Any]] = []
    for message in socket:
        assert isinstance(message, bytes)
        found += [(each.headers, json.loads(each.payload)) for each in frames.feed(message)]
    return found


def test_speech_comes_back_as_partial_and_final_results(clients: Clients) -> None:
    pause = bytes(2 * 16000 * 2)
    audio = speech(clients, FIRST) + pause + speech(clients, SECOND)
    with connect(address(clients), open_timeout=20) as socket:
        for start in range(0, len(audio), 8000):
            socket.send(encode(AUDIO, audio[start : start + 8000]))
        socket.send(encode(AUDIO, b""))
        events = told(socket)
    assert {headers[":event-type"] for headers, _ in events} == {"TranscriptEvent"}
    results = [result for _, body in events for result in body["Transcript"]["Results"]]
    final = [each for each in results if not each["IsPartial"]]
    whole = " ".join(each["Alternatives"][0]["Transcript"] for each in final)
    assert likeness(whole.lower(), f"{FIRST} {SECOND}".lower()) > 0.85
    assert final[0]["StartTime"] < final[0]["EndTime"] <= len(audio) / 32000
    items = final[0]["Alternatives"][0]["Items"]
    assert {each["Type"] for each in items} == {"pronunciation", "punctuation"}
    assert [each["StartTime"] for each in items] == sorted(each["StartTime"] for each in items)
    assert len({each["ResultId"] for each in final}) == len(final)


def test_silence_says_nothing(clients: Clients) -> None:
    with connect(address(clients), open_timeout=20) as socket:
        socket.send(encode(AUDIO, bytes(64000)))
        socket.send(encode(AUDIO, b""))
        assert told(socket) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"language_code": "de-DE"}, "one of English"),
        ({"media_encoding": "flac"}, "must be pcm"),
        ({"sample_rate": "4000"}, "sample-rate"),
        ({"show_speaker_label": "true"}, "show-speaker-label"),
    ],
)
def test_what_cannot_be_heard_is_refused_in_the_stream(
    clients: Clients, given: dict[str, str], words: str
) -> None:
    with connect(address(clients, given), open_timeout=20) as socket:
        ((headers, body),) = told(socket)
    assert headers[":exception-type"] == "BadRequestException"
    assert words in body["Message"]


def test_what_is_no_event_ends_the_stream(clients: Clients) -> None:
    with connect(address(clients), open_timeout=20) as socket:
        socket.send(b"this is no frame at all, but long enough")
        ((headers, _),) = told(socket)
    assert headers[":exception-type"] == "BadRequestException"


def test_only_signed_addresses_are_let_in(clients: Clients) -> None:
    for url in (address(clients, broken=True), address(clients).partition("?")[0]):
        with pytest.raises(InvalidStatus) as failure, connect(url, open_timeout=20):
            pass
        assert failure.value.response.status_code in (400, 403)
