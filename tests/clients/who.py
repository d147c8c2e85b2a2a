"""Asks AWS who it is, again and again with one client, by boto3 and its default chain of credentials.

usage: who.py COUNT PAUSE-IN-MILLISECONDS
"""

import sys
import time

import boto3

count, pause = map(int, sys.argv[1:])
client = boto3.client("sts")
for n in range(count):
    if n > 0:
        time.sleep(pause / 1000)
    print(client.get_caller_identity()["Arn"], flush=True)
