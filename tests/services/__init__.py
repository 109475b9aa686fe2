"""Real services for tests: TimescaleDB, mosquitto and Redis from Debian 13, on loopback.

`python -m tests.services start|stop|status`. As root on Debian 12 or 13 the three come from a
root folder below `.services/` that is built once; given IOC_TEST_DATABASE_URL, IOC_TEST_REDIS_URL
or IOC_TEST_MQTT_URL these are used; else the embedded services of `ioc up` stand in (asked for with
IOC_TEST_SERVICES=embedded). What runs is written to `.services/urls.json`, which the fixtures read.
"""
