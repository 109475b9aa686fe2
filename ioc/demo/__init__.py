"""The simulated province and the replay of recordings; both only publish over MQTT."""
