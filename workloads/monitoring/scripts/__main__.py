from toolkit.commands import run

if __name__ == "__main__":
    run("examine", "answering", "second")
