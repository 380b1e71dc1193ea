"""Studio's resources in the embedded cloud, made one after the other when each is in service."""

import time
from typing import Any


class Studio:
    """Makes domains, profiles, spaces and apps as the account's root."""

    def __init__(self, sagemaker: Any) -> None:
        self._sagemaker = sagemaker

    def domain(self, name: str, *users: str) -> str:
        """The id of a new domain with these users, all in service."""
        made = self._sagemaker.create_domain(DomainName=name, AuthMode="IAM", DefaultUserSettings={})
        domain = made["DomainArn"].rsplit("/", 1)[-1]
        self.settled("domain", DomainId=domain)
        for user in users:
            self._sagemaker.create_user_profile(DomainId=domain, UserProfileName=user)
            self.settled("user_profile", DomainId=domain, UserProfileName=user)
        return domain

    def space(self, domain: str, name: str, owner: str) -> None:
        self._sagemaker.create_space(
            DomainId=domain,
            SpaceName=name,
            OwnershipSettings={"OwnerUserProfileName": owner},
            SpaceSharingSettings={"SharingType": "Private"},
        )
        self.settled("space", DomainId=domain, SpaceName=name)

    def app(self, **members: str) -> None:
        self._sagemaker.create_app(**members)
        self.settled("app", **members)

    def settled(self, kind: str, **members: str) -> None:
        """Wait until it is in service."""
        deadline = time.monotonic() + 20
        while (status := getattr(self._sagemaker, f"describe_{kind}")(**members)["Status"]) != "InService":
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
