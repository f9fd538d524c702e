"""What tasks of the embedded default get from ministack: their secrets, and a place for logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from shipway.adapters.aws.logs import Line, aws_logs, batches
from shipway.adapters.aws.secrets import Wanted, aws_secrets, parse
from shipway.errors import AwsDidNotAnswer

if TYPE_CHECKING:
    from shipway.adapters.aws.secrets import AwsSecrets
    from shipway.local.instance import Instance
    from tests.local.conftest import Local

ARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:sender/mongo-AbCdEf"


def session(where: Instance) -> boto3.Session:
    """Return a session with the credentials that name the instance's account."""
    return boto3.Session(
        aws_access_key_id=where.account,
        aws_secret_access_key="local",  # noqa: S106 -- ministack checks none
        region_name=where.region,
    )


def resolver(where: Instance) -> AwsSecrets:
    """Return what the control plane uses."""
    return aws_secrets(endpoint_url=where.aws, region=where.region, account=where.account)


@pytest.mark.parametrize(
    ("value_from", "wanted"),
    [
        (ARN, Wanted(ARN)),
        (f"{ARN}:password::", Wanted(ARN, "password")),
        (f"{ARN}:password:AWSPREVIOUS:", Wanted(ARN, "password", "AWSPREVIOUS")),
        (f"{ARN}:::9d4cb84b", Wanted(ARN, "", "", "9d4cb84b")),
    ],
)
def test_what_ecs_appends_to_an_arn_is_told_apart(value_from: str, wanted: Wanted) -> None:
    """The JSON key, stage and version after a secret's ARN are not part of its id."""
    assert parse(value_from) == wanted


def test_secrets_and_parameters_are_resolved(shared: Local) -> None:
    """A whole secret, one key of it, its previous version, and a parameter by name and ARN."""
    where = shared.record()
    secrets = session(where).client("secretsmanager", endpoint_url=where.aws)
    old = json.dumps({"user": "sender", "port": 27017})
    arn = secrets.create_secret(Name="sender/mongo", SecretString=old)["ARN"]
    new = json.dumps({"user": "sender2", "port": 27018})
    secrets.put_secret_value(SecretId=arn, SecretString=new)
    ssm = session(where).client("ssm", endpoint_url=where.aws)
    ssm.put_parameter(Name="/sender/token", Value="s3cret", Type="SecureString")
    resolve = resolver(where).resolve
    assert resolve(arn) == new
    assert resolve(f"{arn}:user::") == "sender2"
    assert resolve(f"{arn}:port::") == "27018"
    assert resolve(f"{arn}:user:AWSPREVIOUS:") == "sender"
    assert resolve("/sender/token") == "s3cret"
    assert resolve("arn:aws:ssm:eu-central-1:000000000000:parameter/sender/token") == "s3cret"


@pytest.mark.parametrize("value_from", [ARN, "/no/such/parameter"])
def test_an_unknown_secret_is_a_lookup_error(shared: Local, value_from: str) -> None:
    """What is not there is said to be not there, by name."""
    with pytest.raises(LookupError, match="NotFound"):
        resolver(shared.record()).resolve(value_from)


def test_a_missing_key_does_not_tell_the_secret(shared: Local) -> None:
    """The error names the reference, and neither it nor its causes hold the value."""
    where = shared.record()
    secrets = session(where).client("secretsmanager", endpoint_url=where.aws)
    arn = secrets.create_secret(Name="sender/plain", SecretString="hunter2")["ARN"]
    with pytest.raises(LookupError) as caught:
        resolver(where).resolve(f"{arn}:password::")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_silence_is_not_absence() -> None:
    """An endpoint that is down raises no LookupError."""
    nobody = aws_secrets(endpoint_url="http://127.0.0.1:9", region="eu-central-1", account="0" * 12)
    with pytest.raises(AwsDidNotAnswer):
        nobody.resolve("/sender/token")


def test_lines_arrive_in_their_stream_in_order(shared: Local) -> None:
    """Lines of several streams reach their own streams, complete, in order, groups made."""
    where = shared.record()
    sink = aws_logs(endpoint_url=where.aws, region=where.region, account=where.account)
    for number in range(200):
        sink.write(
            "/ecs/sender", f"task/{number % 2}", 1_800_000_000_000 + number // 10, f"{number}"
        )
    sink.write("/ecs/sender", "task/0", 1_800_000_001_000, "")
    sink.close(20)
    assert sink.lost == 0
    client = session(where).client("logs", endpoint_url=where.aws)
    events = client.get_log_events(
        logGroupName="/ecs/sender", logStreamName="task/1", startFromHead=True
    )["events"]
    assert [event["message"] for event in events] == [str(number) for number in range(1, 200, 2)]


def test_a_sink_without_an_endpoint_loses_lines_and_nothing_else() -> None:
    """Writing never raises; what could not be delivered is counted."""
    sink = aws_logs(endpoint_url="http://127.0.0.1:9", region="eu-central-1", account="0" * 12)
    sink.write("/ecs/sender", "task", 0, "lost")
    sink.close(60)
    assert sink.lost == 1


def test_batches_keep_within_the_limits() -> None:
    """No batch has more than 10,000 events, 1 MiB or a second stream."""
    short = [Line("g", "one", 2, "x") for _ in range(10_001)]
    long = [Line("g", "two", 1, "x" * 200_000) for _ in range(6)]
    made = list(batches(short + long))
    assert [len(batch) for batch in made] == [10_000, 1, 5, 1]
    assert all(len({line.stream for line in batch}) == 1 for batch in made)
    assert all(sum(line.size for line in batch) <= 1_048_576 for batch in made)
