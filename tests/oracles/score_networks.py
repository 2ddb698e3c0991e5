"""MLP-UNet and image networks written out in NumPy, image by image where that is plainer.

They share no code with `sims`: they take the trained arrays from the fields of a module, and work in float64.
"""

import numpy as np
from scipy.signal import correlate


def arrays_of(layer, *names):
    return [np.asarray(getattr(layer, name), float) for name in names]


def silu(x):
    return x / (1 + np.exp(-x))


def sines_and_cosines(conditioning, rates):
    angles = np.outer(conditioning, rates)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def affine(layer, x):
    weight, bias = arrays_of(layer, "weight", "bias")
    return x @ weight + bias


# --- MLP-UNet ---


def layer_norm(layer, x):
    scale, shift = arrays_of(layer, "scale", "shift")
    return np.stack([(row - row.mean()) / np.sqrt(row.var() + 1e-5) * scale + shift for row in x])


def mlp_unet(network, inputs, conditioning):
    """F for samples (n, d) and numbers u (n,)."""
    features = sines_and_cosines(conditioning, 2 * np.pi * np.asarray(network.embedding.frequencies, float))
    x = np.asarray(inputs, float)
    for block in network.blocks:
        hidden = affine(block.inner, silu(layer_norm(block.outer_norm, x)))
        scale, shift = affine(block.scale, features), affine(block.shift, features)
        hidden = affine(block.outer, silu(layer_norm(block.inner_norm, hidden) * (1 + scale) + shift))
        x = hidden + (x if block.shortcut is None else affine(block.shortcut, x))
    return affine(network.output, x)


# --- Image networks, channels last ---


def convolution(layer, images):
    """Cross-correlation with zeros around the image, one pair of channels after the other."""
    kernel, bias = arrays_of(layer, "kernel", "bias")
    return filtered(images, kernel) + bias


def filtered(images, kernel):
    taps, _, inputs, outputs = kernel.shape
    result = np.zeros((*images.shape[:3], outputs))
    for number, image in enumerate(images):
        for source in range(inputs):
            for goal in range(outputs):
                result[number, ..., goal] += correlate(image[..., source], kernel[..., source, goal], mode="same")
    return result


def group_norm(layer, images):
    scale, shift = arrays_of(layer, "scale", "shift")
    groups = min(32, images.shape[3] // 4)
    result = np.empty_like(images)
    for number, image in enumerate(images):
        for part in np.split(np.arange(images.shape[3]), groups):
            values = image[..., part]
            result[number][..., part] = (values - values.mean()) / np.sqrt(values.var() + 1e-6)
    return result * scale + shift


def attention(layer, images):
    count, height, width, channels = images.shape
    projected = convolution(layer.queries_keys_values, group_norm(layer.norm, images))
    result = np.empty_like(images)
    for number in range(count):
        queries, keys, values = np.split(projected[number].reshape(height * width, -1), 3, axis=1)
        closeness = np.exp(queries @ keys.T / np.sqrt(channels))
        result[number] = (closeness / closeness.sum(axis=1, keepdims=True) @ values).reshape(height, width, channels)
    return images + convolution(layer.output, result)


def resampled(images, how):
    if how == "halved":
        corners = [images[:, row::2, column::2] for row in range(2) for column in range(2)]
        return sum(corners) / 4
    return images if how is None else np.kron(images, np.ones((1, 2, 2, 1)))


def image_block(block, images, features):
    hidden = resampled(silu(group_norm(block.outer_norm, images)), block.resampling)
    hidden = convolution(block.inner, hidden) + affine(block.bias, features)[:, None, None]
    hidden = convolution(block.outer, silu(group_norm(block.inner_norm, hidden)))
    shortcut = resampled(images, block.resampling)
    if block.shortcut is not None:
        shortcut = convolution(block.shortcut, shortcut)
    images = (shortcut + hidden) / np.sqrt(2)
    return images if block.attention is None else attention(block.attention, images) / np.sqrt(2)


def noise_map(layer, conditioning):
    half = layer.embedding.width // 2
    rates = [10000 ** (-index / (half - 1)) for index in range(half)]
    return silu(affine(layer.outer, silu(affine(layer.inner, sines_and_cosines(conditioning, rates)))))


def image_output(layer, images):
    return convolution(layer.convolution, silu(group_norm(layer.norm, images)))


def cnn_resnet(network, inputs, conditioning):
    features = noise_map(network.noise_map, conditioning)
    images = convolution(network.first, np.asarray(inputs, float).reshape(-1, *network.shape))
    for block in network.blocks:
        images = image_block(block, images, features)
    return image_output(network.last, images).reshape(inputs.shape)


def cnn_unet(network, inputs, conditioning):
    features = noise_map(network.noise_map, conditioning)
    here = convolution(network.first, np.asarray(inputs, float).reshape(-1, *network.shape))
    there = [here]
    for block in network.encoder:
        here = image_block(block, here, features)
        there.append(here)
    for block in network.middle:
        here = image_block(block, here, features)
    for block in network.decoder:
        if block.resampling is None:
            here = np.concatenate([here, there.pop()], axis=3)
        here = image_block(block, here, features)
    assert not there
    return image_output(network.last, here).reshape(inputs.shape)
