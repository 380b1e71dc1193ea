"""What SageMaker Model Monitor looks at of a captured request: its rows as they were sent, without the answer.

Model Monitor calls `preprocess_handler` for each captured request. Left to itself it puts the answer before the row, so
that each column would be compared with its neighbour's baseline. Columns are taken in the order of their names and get
their features' names by their places. Sources: AWS, "Preprocessing and postprocessing"; aws/sagemaker-python-sdk#3277;
aws/amazon-sagemaker-examples#2850. Nobody has run this in Model Monitor's container.
"""

import csv
import io


def preprocess_handler(inference_record):
    """A row as an object, several as a list of them, an empty list to leave a request out. CSV has no header here."""
    lines = csv.reader(io.StringIO(inference_record.endpoint_input.data))
    rows = [{str(place).zfill(20): value for place, value in enumerate(line)} for line in lines if line]
    return rows[0] if len(rows) == 1 else rows
