"""Any torch module as stacked networks."""

from paretofair.models.modules.module_network import ModuleNetwork

__all__ = ["ModuleNetwork"]
