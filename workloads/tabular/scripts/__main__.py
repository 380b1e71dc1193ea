from toolkit.commands import run

if __name__ == "__main__":
    run("preprocess", "preprocess_spark", "train", "evaluate")  # a workload on Spark brings preprocess_spark.py
