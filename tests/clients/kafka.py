"""Writes records to a topic or reads all that are in it, by librdkafka.

    kafka.py write TOPIC SETTINGS    records are lines of JSON on the input
    kafka.py read TOPIC SETTINGS     records are lines of JSON on the output, by partition and offset

SETTINGS is JSON with librdkafka's settings. Keys and values are base64, or null. What a broker refuses ends it at once.
With transactional.id all records are one transaction, which is given up where "aborts" is true.
"""

import base64
import json
import os
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

REFUSED = (KafkaError._AUTHENTICATION, KafkaError._SSL)
PATIENCE = 20


def refused(error):
    print(error.str(), file=sys.stderr)
    if error.code() in REFUSED:
        # an exception would wait until somebody polls
        os._exit(1)


def encode(data):
    return None if data is None else base64.b64encode(data).decode()


def decode(text):
    return None if text is None else base64.b64decode(text)


def describe(client, topic):
    """The topic's partitions; the errors are given out while we ask, which tells a refusal from a broker that is slow."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            found = client.list_topics(topic, timeout=0.5).topics[topic]
        except KafkaException:
            client.poll(0)
            if time.monotonic() > until:
                raise
            continue
        if found.error is not None:
            raise KafkaException(found.error)
        return sorted(found.partitions)


def write(topic, settings):
    failed = []
    aborts = settings.pop("aborts", False)
    is_transaction = "transactional.id" in settings

    def delivered(error, message):
        if error is not None:
            failed.append(error.str())

    producer = Producer({"acks": "all", "message.timeout.ms": PATIENCE * 1000, **settings})
    describe(producer, topic)
    if is_transaction:
        producer.init_transactions(PATIENCE)
        producer.begin_transaction()
    for line in sys.stdin:
        record = json.loads(line)
        producer.produce(
            topic,
            value=decode(record["value"]),
            key=decode(record["key"]),
            partition=record["partition"],
            timestamp=record["timestamp_ms"],
            headers=[(name, decode(value)) for name, value in record["headers"]],
            on_delivery=delivered,
        )
        producer.poll(0)
    producer.flush()
    if aborts:
        producer.abort_transaction(PATIENCE)
    elif is_transaction:
        producer.commit_transaction(PATIENCE)
    if failed:
        sys.exit(f"{len(failed)} records were not written: {failed[0]}")


def read(topic, settings):
    consumer = Consumer(
        {
            "group.id": "reads-all",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            **settings,
        }
    )
    partitions = describe(consumer, topic)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    records, ended = [], set()
    while len(ended) < len(partitions):
        message = consumer.poll(PATIENCE)
        if message is None:
            sys.exit(f"nothing came for {PATIENCE} s")
        error = message.error()
        if error is None:
            records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
        else:
            raise KafkaException(error)
    for message in sorted(records, key=lambda m: (m.partition(), m.offset())):
        record = {
            "partition": message.partition(),
            "offset": message.offset(),
            "key": encode(message.key()),
            "value": encode(message.value()),
            "headers": [[name, encode(value)] for name, value in message.headers() or []],
            "timestamp_ms": message.timestamp()[1],
        }
        print(json.dumps(record))


def main():
    what, topic, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    {"write": write, "read": read}[what](topic, {**settings, "error_cb": refused, "log_level": 0})


main()
