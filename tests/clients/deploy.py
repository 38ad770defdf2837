"""YAML from standard input, as a list of its documents in JSON.

The arguments are versions of Kubernetes: each document is held against their schemas first, strictly. Kinds that Kubernetes does not have itself are
passed over, and named on standard error.
"""

import json
import sys

import kubernetes_validate
import yaml

documents = [document for document in yaml.safe_load_all(sys.stdin) if document is not None]
wrong = []
for version in sys.argv[1:]:
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            wrong.append(f"{name} at {where}, Kubernetes {version}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError:
            print(f"{document['apiVersion']} {document['kind']}", file=sys.stderr)
if wrong:
    sys.exit("\n".join(wrong))
json.dump(documents, sys.stdout)
