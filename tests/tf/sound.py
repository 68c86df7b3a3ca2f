"""Sound for basic-pitch, as --data-loader-script: a chord of four notes with overtones and a little noise, faint.

Why faint: docs/tensorflow.md. SOUND_GAIN makes it louder (1: full scale), SOUND_SEED and SOUND_COUNT other and more.
"""
import os

import numpy as np

RATE, LENGTH = 22050, 43844


def chord(seed):
    rng = np.random.RandomState(seed)
    t = np.arange(LENGTH) / RATE
    sound = 0.003 * rng.randn(LENGTH)
    for _ in range(4):
        pitch = 440.0 * 2.0 ** (rng.randint(-24, 13) / 12.0)
        start = rng.rand()
        strength = np.where(t > start, np.exp(-2.0 * (t - start)), 0.0)
        for k in range(1, 9):
            if k * pitch < RATE / 2:
                sound += 0.2 / k * strength * np.sin(2 * np.pi * (k * pitch * t + rng.rand()))
    return np.clip(sound, -1, 1)


def load_data():
    gain, seed = float(os.environ.get("SOUND_GAIN", "1e-3")), int(os.environ.get("SOUND_SEED", "1"))
    for i in range(int(os.environ.get("SOUND_COUNT", "1"))):
        yield {os.environ["SOUND_INPUT"]: (gain * chord(seed + i)).astype(np.float32).reshape(1, LENGTH, 1)}
