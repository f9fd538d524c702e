"""The Protocols that the core needs of the world; each docstring is the contract.

Every method may raise the errors of `errors.OutsideDidNotAnswer` when there is no answer within
its deadline, and never anything else unless its docstring says so.
"""

from __future__ import annotations

from shipway.ports.checkout import Repository, SecretStore, Survey, Surveyed, Tools, Tree
from shipway.ports.deliveries import Leases, LedgerStore, Orchestrator
from shipway.ports.foresight import Foresight
from shipway.ports.images import NOTHING, Document, ImageBuilder, Refused, Registry
from shipway.ports.machine import Cancel, Clock, Exit, Files, Http, LogFile, OnLine, OnOutput, Shell
from shipway.ports.preflight import Inspector
from shipway.ports.results import ComposeRunner, Memory, SecretIn, StepCache, no_secret

__all__ = [
    "NOTHING",
    "Cancel",
    "Clock",
    "ComposeRunner",
    "Document",
    "Exit",
    "Files",
    "Foresight",
    "Http",
    "ImageBuilder",
    "Inspector",
    "Leases",
    "LedgerStore",
    "LogFile",
    "Memory",
    "OnLine",
    "OnOutput",
    "Orchestrator",
    "Refused",
    "Registry",
    "Repository",
    "SecretIn",
    "SecretStore",
    "Shell",
    "StepCache",
    "Survey",
    "Surveyed",
    "Tools",
    "Tree",
    "no_secret",
]
