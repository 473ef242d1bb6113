"""The network of a phone's learned modules, one example at a time, in loops and NumPy: no batches, no shared code."""

from __future__ import annotations

import numpy as np

HEADS, REACH = 6, 2


def relu(values):
    return np.maximum(values, 0)


def softmax(values):
    raised = np.exp(values - values.max())
    return raised / raised.sum()


def row_sum(table, places):
    found = np.zeros(table.shape[1])
    for place in places:
        if place > 0:
            found += table[place]
    return found


def read_with_neighbours(weights, words, there):
    length, width = words.shape
    found = np.zeros((length, width))
    for place in range(length):
        total = np.zeros(width)
        for step in range(-REACH, REACH + 1):
            if 0 <= place + step < length:
                part = weights[(step + REACH) * width : (step + REACH + 1) * width]
                total += words[place + step] @ part
        found[place] = relu(total) * there[place]
    return found


def trunk(weights, x):
    """Words, what each head heeds, state, what is asked, items, what is seen; of one example."""
    spoken = [place for place in range(len(x["spoken"])) if x["spoken"][place]]
    width = weights["due"].shape[0]
    words = np.zeros((len(x["spoken"]), width))
    for place in spoken:
        table = row_sum(weights["word_table"], x["word_pieces"][place])
        words[place] = relu(table + x["word_facts"][place].astype(float) @ weights["word_facts"])
    words = read_with_neighbours(weights["read_1"], words, x["spoken"])
    words = words + read_with_neighbours(weights["read_2"], words, x["spoken"])
    text = np.concatenate([words.max(0), words[spoken].sum(0) / max(1, len(spoken))])
    state = x["state_facts"].astype(float) @ weights["state_facts"]
    state = state + row_sum(weights["item_table"], x["state_pieces"]) + text @ weights["state_words"]
    state = relu(state + weights["state_bias"])
    due = np.zeros((len(words), HEADS))
    for head in range(HEADS):
        scores = [
            relu(words[j] @ weights["due_words"] + state @ weights["due_state"]) @ weights["due"][:, head]
            for j in spoken
        ]
        due[spoken, head] = softmax(np.array(scores))
    touched = np.array([sum(x["past_match"][j] / 255 * due[j, k] for j in spoken) for k in range(HEADS)])
    state = relu(state @ weights["state_2"] + touched @ weights["state_match"]) + state
    asked = np.concatenate([sum(due[j, k] * words[j] for j in spoken) for k in range(HEADS)]) @ weights["asked"]
    items, seen = read_items(weights, x, due, state, asked)
    return words, due, state, asked, items, seen


def read_items(weights, x, due, state, asked):
    there = [place for place in range(len(x["there"])) if x["there"][place]]
    width = len(state)
    own, first = np.zeros((len(x["there"]), width)), np.zeros((len(x["there"]), width))
    for item in range(len(x["there"])):
        heeded = (x["match"][item].astype(float) / 255).T @ due
        own[item] = row_sum(weights["item_table"], x["item_pieces"][item])
        own[item] += (
            x["item_facts"][item].astype(float) @ weights["item_facts"] + heeded.reshape(-1) @ weights["item_match"]
        )
    whole = state @ weights["item_state"] + asked @ weights["item_asked"] + weights["item_bias"]
    gate = np.tanh(state @ weights["item_gate"])
    for item in there:
        mates = sum((own[other] for other in there if x["mates"][item][other]), np.zeros(width))
        first[item] = relu(own[item] * (1 + gate) + mates @ weights["item_mates"] + whole)
    pooled = np.array([relu(first[item] @ weights["seen"]) for item in there])
    seen = np.concatenate([pooled.max(0), pooled.mean(0)])
    items = np.zeros((len(x["there"]), width))
    whole = state @ weights["item_2_state"] + seen @ weights["item_2_seen"] + weights["item_2_bias"]
    for item in there:
        mates = sum((first[other] for other in there if x["mates"][item][other]), np.zeros(width))
        second = first[item] @ weights["item_2"] + mates @ weights["item_2_mates"] + whole
        items[item] = relu(second) + first[item]
    return items, seen


def whole(weights, name, state, asked, seen):
    hidden = relu(np.concatenate([state, asked, seen]) @ weights[f"{name}_1"] + weights[f"{name}_bias"])
    return hidden @ weights[f"{name}_2"]


def decision(weights, x):
    """Scores of what can be done: touches, long presses, actions on the whole, apps; of one example."""
    _, due, state, asked, items, seen = trunk(weights, x)
    touches = [items[i] @ weights["touch"] if x["there"][i] else [-1e9, -1e9] for i in range(len(items))]
    apps = []
    stands = state @ weights["app_state"] + asked @ weights["app_asked"] + weights["app_bias"]
    for place in range(len(x["app_there"])):
        app = row_sum(weights["item_table"], x["app_pieces"][place]) + x["app_open"][place] * weights["app_open"][0]
        app = app + (x["app_match"][place].astype(float) / 255 @ due) @ weights["app_match"]
        apps.append(app @ stands if x["app_there"][place] else -1e9)
    return np.concatenate(
        [
            [each[0] for each in touches],
            [each[1] for each in touches],
            whole(weights, "whole", state, asked, seen),
            apps,
        ]
    )


def planning(weights, x):
    """Scores of how many more subgoals are finished, and of whether all are; of one example."""
    _, _, state, asked, _, seen = trunk(weights, x)
    return whole(weights, "plan", state, asked, seen)


def texts(weights, x):
    """Scores of texts, without and with clearing the field; of one example."""
    words, _, state, asked, items, seen = trunk(weights, x)
    field = sum((items[i] for i in range(len(items)) if x["focused"][i]), np.zeros(len(state)))
    stands = field @ weights["text_field"] + state @ weights["text_state"] + asked @ weights["text_asked"]
    stands = stands + seen @ weights["text_seen"] + weights["text_bias"]
    found = []
    for place in range(len(x["text_there"])):
        among = x["text_words"][place].astype(float) @ words
        hidden = x["text_facts"][place].astype(float) @ weights["text_facts"] + among @ weights["text_words"] + stands
        found += list(relu(hidden) @ weights["text"]) if x["text_there"][place] else [-1e9, -1e9]
    return np.array(found)


def reflection(weights, x):
    """Scores of the three outcomes of an action; of one example."""
    _, due, state, asked, items, _ = trunk(weights, x)
    room = len(x["there"])
    hidden = x["change"].astype(float) @ weights["judge_change"]
    for scores, made, places in ((decision(weights, x), x["made"], (0, 1)), (texts(weights, x), x["typed"], (2,))):
        logs = scores - scores.max() - np.log(np.exp(scores - scores.max()).sum())
        done = [logs[place] for place in range(len(logs)) if made[place]]
        behind = max(-12.0, min(0.0, sum(done) - logs.max())) if done else 0.0
        chance = np.exp(max(-12.0, min(0.0, sum(done)))) if done else 0.0
        for place, value in zip(places, (behind, chance), strict=False):
            hidden = hidden + value * weights["judge_likely"][place]
    touched = [place for place in range(room) if x["made"][place] or x["made"][room + place]]
    hidden = hidden + sum((items[place] for place in touched), np.zeros(len(state))) @ weights["judge_item"]
    hidden = hidden + state @ weights["judge_state"] + asked @ weights["judge_asked"]
    hidden = hidden + row_sum(weights["item_table"], x["after_pieces"]) @ weights["judge_page"]
    matched = np.concatenate([(each.astype(float) / 255) @ due for each in x["after_match"]])
    hidden = relu(hidden + matched @ weights["judge_match"] + weights["judge_bias"])
    return (relu(hidden @ weights["judge_2"] + weights["judge_2_bias"]) + hidden) @ weights["judge"]
