"""What is shown of a value: short, and nothing that may be a secret."""

import base64
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.shown import LONGEST, MASK, is_secret, shown

LETTERS = string.ascii_letters + string.digits
SECRET_NAMES = [
    "Password",
    "MasterUserPassword",
    "DB_PASSWORD",
    "db_passwd",
    "SecretString",
    "clientSecret",
    "AuthToken",
    "API_KEY",
    "apikey",
    "PrivateKey",
    "accessKey",
    "AWS_SECRET_ACCESS_KEY",
    "ConnectionString",
    "Credentials",
    "SLACK_WEBHOOK_URL",
    "Passphrase",
    "AUTH",
    "GITHUB_PAT",
    "X-Api-Key",
    "SigningKey",
    "HF_TOKEN",
    "BearerAuthorization",
]
HARMLESS_NAMES = [
    "SecretArn",
    "PasswordPolicy",
    "TokenValidityUnits",
    "KmsKeyId",
    "KeySchema",
    "InstanceType",
    "SecretName",
    "BucketName",
    "PasswordLength",
    "Keys",
    "KeyPolicy",
    "AccessKeyId",
    "Passthrough",
    "Author",
    "Description",
    "Compass",
]
secrets = st.text(LETTERS, min_size=12, max_size=60).filter(lambda text: not text.isdigit() and not text.isalpha())


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_value_under_a_secret_name_is_masked(name: str) -> None:
    assert shown("correct horse", name) == MASK
    assert "correct horse" not in shown({"Environment": {"Variables": {name: "correct horse"}}})
    assert "correct horse" not in shown([{"Name": name, "Value": "correct horse"}])
    assert "correct horse" not in shown([{"ParameterKey": name, "ParameterValue": ["correct horse"]}])


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_a_value_about_a_secret_is_shown(name: str) -> None:
    assert not is_secret(name)
    assert shown("correct horse", name) == "correct horse"


def _hidden_in(secret: str) -> st.SearchStrategy[object]:
    names = st.sampled_from(SECRET_NAMES)
    leaf = st.one_of(
        names.map(lambda name: {name: secret}),
        names.map(lambda name: {name: {"inner": [secret]}}),
        names.map(lambda name: {"Name": name, "Value": secret}),
        names.map(lambda name: {name: {"Fn::Join": ["", [secret, {"Ref": "X"}]]}}),
        names.map(lambda name: {name: {"Fn::Sub": secret + "${X}"}}),
        st.just(f"postgres://user:{secret}@host/db"),
        st.just(f"https://host/?sig={secret}&x=1"),
        st.just(f"password={secret}"),
        st.just("{{resolve:secretsmanager:" + secret + ":SecretString}}"),
        st.just("-----BEGIN RSA PRIVATE KEY-----\n" + secret),
        st.just("AKIA" + secret.upper()),
    )
    return st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(st.sampled_from(["A", "B", "Fn::If"]), inner, min_size=1)
        ),
    )


@settings(deadline=None, max_examples=40)
@given(st.data(), secrets)
def test_no_secret_is_shown_wherever_it_stands(data: st.DataObject, secret: str) -> None:
    text = shown(data.draw(_hidden_in(secret)))
    assert secret not in text and secret.upper() not in text
    assert len(text) <= LONGEST


def test_random_base64_is_masked_under_any_name_and_in_any_text() -> None:
    """Of the shortest kind, AWS's secret access keys of 40 characters, one in 200 may look like words."""
    source = random.Random(7)
    for size, most in ((30, 5), (48, 2), (90, 0), (600, 0)):
        texts = [base64.b64encode(source.randbytes(size)).decode() for _ in range(1000)]
        seen = [text for text in texts if text[:25] in shown({"Setting": f"of {text} here"})]
        assert len(seen) <= most, (size, len(seen), seen[:3])


@settings(deadline=None, max_examples=25)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_is_one_short_line(value: object) -> None:
    text = shown(value)
    assert len(text) <= LONGEST and "\n" not in text and "\x02" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Ref": "Bucket"}, "${Bucket}"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "${Role.Arn}"),
        ("arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole-20200101T000001", None),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", None),
        ("s3://sluice-data-123456789012-us-east-1/models/churn/2026/model.tar.gz", None),
        ("d41d8cd98f00b204e9800998ecf8427ed41d8cd98f00b204e9800998ecf8427e.zip", "d41d8cd….zip"),
        ("MyStackMyVeryLongConstructNameServiceRoleDefaultPolicyA1B2C3D4", None),
        (True, "true"),
        (3.5, "3.5"),
    ],
)
def test_what_is_no_secret_can_be_read(value: object, text: str | None) -> None:
    assert shown(value) == (value if text is None else text)
