"""The template for the emulator: template.yaml without what the emulator refuses, which is as little as possible and all listed here."""

import re

# Alarms on a query or on what is computed from metrics: the emulator makes alarms of one metric only and takes back the whole stack for any other. They are there
# nevertheless, since the dashboard names them, but look at a metric that nobody writes. (RollbackAlarm is such a one too, but belongs to
# gradual deployments, which are off: AWS CodeDeploy is not in the emulator.)
ALARMS_ON_MANY_METRICS = ["ApiErrorsAlarm", "ApiRequestsAlarm", "FunctionsThrottledAlarm", "TableThrottledAlarm", "PageOldAlarm"]
ONE_METRIC = """\
      Namespace: Tocsin
      MetricName: NotInTheEmulator
      Statistic: Sum
      Period: 60
"""


class Failed(Exception):
    """What is to be taken out of the template is not in it."""


def for_emulator(text):
    """Returns the text of template.yaml without what the emulator refuses."""
    for alarm in ALARMS_ON_MANY_METRICS:
        # From the property to the next one that is as far to the right: inside the alarm, whose properties these are.
        pattern = rf"(?ms)(^  {alarm}:\n(?:    .*?\n|\n)*?)      Metrics:\n(?:        [^\n]*\n)+"
        text, times = re.subn(pattern, lambda m: m[1] + ONE_METRIC, text)
        if times != 1:
            raise Failed(f"{alarm} with Metrics is {times} times in the template: correct what is listed in template.py")
    return text
