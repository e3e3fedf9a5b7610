from tests.analysis.conftest import made_up_results, made_up_run, made_up_sets, run_folder

__all__ = ["made_up_results", "made_up_run", "made_up_sets", "run_folder"]
