"""Prints what SAM makes of a template on AWS, as JSON: transform.py TEMPLATE [PARAMETER=VALUE]...

The parameters that are not given have their defaults, as in a deployment.
"""

import json
import logging
import sys

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        template = yaml_parse(file.read())
    template = json.loads(json.dumps(template))
    given = dict(argument.split("=", 1) for argument in sys.argv[2:])
    unknown = given.keys() - template["Parameters"].keys()
    if unknown:
        sys.exit(f"{sys.argv[1]} has no parameter {', '.join(sorted(unknown))}")
    parameters = {name: given.get(name, p.get("Default")) for name, p in template["Parameters"].items()}
    for name, value in given.items():
        template["Parameters"][name]["Default"] = value
    for name, resource in template["Resources"].items():
        # In a deployment, sam package has put the address of the archive here.
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://bucket/{name}"
    logging.disable(logging.ERROR)  # it complains of metrics and features that only AWS has
    print(json.dumps(Translator({}, Parser()).translate(template, parameters), indent=1))


if __name__ == "__main__":
    main()
