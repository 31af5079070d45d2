"""Answers of a given form, by the thousand: is each valid, and what does the form cost?

    python structured.py URL KEY MODEL [--schemas N] [--functions FILE.jsonl] [--at-once N]

Makes N schemas by chance (the same for the same seed) and takes the schemas of FILE, in the form of FunctionChat-Bench's single
calls, whose functions are called by name. Every answer is held against its schema by the `jsonschema` package. Last, the speed:
tokens a second of answers with a form and of free ones of about the same length, in turns. Ends with 1 where an answer is not valid.
It knows of the gateway what the `openai` package knows.
"""

import argparse
import concurrent.futures
import datetime
import json
import random
import sys
import time

import jsonschema
import openai

WORDS = "name city date price colour size weight title author year note place person count rate item order state code kind".split()
TOKENS_MAX = 600
FORMATS = jsonschema.FormatChecker()


@FORMATS.checks("date", raises=ValueError)
def is_date(text):
    """A `full-date` of RFC 3339, whose years begin with 0000; Python's calendar begins a year later."""
    return not isinstance(text, str) or datetime.date.fromisoformat(text.replace("0000-", "0004-", 1)) is not None


def scalar(chance):
    return chance.choice([
        {"type": "string", "maxLength": chance.randint(1, 24)},
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
        {"type": "string", "format": "date"},
        {"type": "integer", "minimum": -chance.randint(0, 9), "maximum": chance.randint(10, 9999)},
        {"type": "number", "minimum": 0, "maximum": 100},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": chance.sample(WORDS, 3)},
        {"const": chance.choice([1, "x", True, None])},
    ])


def schema(chance, depth=0):
    kind = chance.random()
    if depth == 0 or (kind < 0.25 and depth < 3):
        names = chance.sample(WORDS, chance.randint(1, 4))
        required = [name for name in names if chance.random() < 0.7]
        properties = {name: schema(chance, depth + 1) for name in names}
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    if kind < 0.4 and depth < 3:
        least = chance.randint(0, 2)
        return {"type": "array", "items": schema(chance, depth + 1), "minItems": least, "maxItems": least + 2}
    if kind < 0.5:
        return {"anyOf": [scalar(chance), scalar(chance)]}
    return scalar(chance)


def functions(path):
    for line in open(path, encoding="utf-8"):
        case = json.loads(line)
        exact = next(tools["content"] for tools in case["tools"] if tools["type"] == "exact")
        yield exact[0]["function"], case["query"][0]["content"]


def asked(arguments):
    chance = random.Random(7)
    for index in range(arguments.schemas):
        yield f"made {index}", schema(chance), None, f"Write an example about {chance.choice(WORDS)}."
    for function, words in functions(arguments.functions) if arguments.functions else []:
        yield function["name"], function["parameters"], function, words


def answer(client, model, case):
    name, wanted, function, words = case
    settings = {"model": model, "messages": [{"role": "user", "content": words}], "max_tokens": TOKENS_MAX,
                "temperature": 0.7, "seed": 1}
    if function:
        settings |= {"tools": [{"type": "function", "function": function}],
                     "tool_choice": {"type": "function", "function": {"name": function["name"]}}}
    else:
        form = {"name": "example", "strict": True, "schema": wanted}
        settings["response_format"] = {"type": "json_schema", "json_schema": form}
    try:
        given = client.chat.completions.create(**settings)
    except openai.BadRequestError as error:
        return name, "refused", error.message, wanted
    choice = given.choices[0]
    text = choice.message.tool_calls[0].function.arguments if function and choice.message.tool_calls else choice.message.content
    if choice.finish_reason == "length":
        return name, "cut off", text, wanted
    try:
        jsonschema.validate(json.loads(text), wanted, format_checker=FORMATS)
    except (ValueError, TypeError, jsonschema.ValidationError) as error:
        return name, "invalid", f"{text}: {error}", wanted
    return name, "valid", text, wanted


def speed(client, model):
    """Tokens a second, with a form and free, in turns."""
    member = {"type": "string", "minLength": 60, "maxLength": 60}
    names = ["first", "second", "third"]
    wanted = {"type": "object", "properties": {name: member for name in names}, "required": names, "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "story", "strict": True, "schema": wanted}}
    rates = {"form": [], "free": []}
    for seed in range(8):
        for kind in rates:
            settings = {"response_format": form} if kind == "form" else {"logit_bias": {}}
            words = "Tell a long story about the sea in three parts."
            begun = time.monotonic()
            given = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": words}], max_tokens=80, temperature=1, seed=seed, **settings)
            rates[kind].append(given.usage.completion_tokens / (time.monotonic() - begun))
    return {kind: sorted(values)[len(values) // 2] for kind, values in rates.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("model")
    parser.add_argument("--schemas", type=int, default=1000)
    parser.add_argument("--functions")
    parser.add_argument("--at-once", type=int, default=8)
    arguments = parser.parse_args()
    client = openai.OpenAI(base_url=f"{arguments.url}/v1", api_key=arguments.key, max_retries=0, timeout=600)
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        for name, result, words, wanted in pool.map(lambda case: answer(client, arguments.model, case), asked(arguments)):
            counts[result] = counts.get(result, 0) + 1
            if result != "valid":
                print(f"{name}: {result}: {words[:300]}\n  {json.dumps(wanted, ensure_ascii=False)[:600]}")
    print("answers:", ", ".join(f"{count} {result}" for result, count in sorted(counts.items())))
    rates = speed(client, arguments.model)
    share = rates["form"] / rates["free"]
    print(f"tokens a second: {rates['form']:.1f} with a form, {rates['free']:.1f} free: {share:.0%}")
    sys.exit(0 if set(counts) <= {"valid"} else 1)


if __name__ == "__main__":
    main()
