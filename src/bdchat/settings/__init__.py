"""Every setting, its value kinds, and where they are loaded from. Imports nothing of bdchat."""

from bdchat.settings.documents import ChromaSettings, DocumentSettings
from bdchat.settings.loading import (
    NAME_ONE,
    NoDataDirectory,
    Settings,
    SettingsError,
    default_data_dir,
    load,
)
from bdchat.settings.sections import (
    AuthSettings,
    EngineSettings,
    GenerationSettings,
    LimitSettings,
    ModelSettings,
    RedisSettings,
    SamplingSource,
    ServerSettings,
    StoreSettings,
)
from bdchat.settings.values import MIB

__all__ = [
    "MIB",
    "NAME_ONE",
    "AuthSettings",
    "ChromaSettings",
    "DocumentSettings",
    "EngineSettings",
    "GenerationSettings",
    "LimitSettings",
    "ModelSettings",
    "NoDataDirectory",
    "RedisSettings",
    "SamplingSource",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "StoreSettings",
    "default_data_dir",
    "load",
]
