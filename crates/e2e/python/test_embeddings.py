"""The official `openai` package asks the built command for vectors; they are held against those of `sentence-transformers`."""

import json
import math
import os
import unittest

import openai

MODEL = "all-minilm-l6-v2"
GOLDEN = json.load(open(os.environ["GWANMUN_GOLDEN"], encoding="utf-8"))
# The API takes no empty text.
CASES = [case for case in GOLDEN["cases"] if case["text"]]


def client():
    return openai.OpenAI(base_url=os.environ["GWANMUN_URL"] + "/v1", api_key=os.environ["GWANMUN_KEY"], max_retries=0)


def made(given, **settings):
    return client().embeddings.create(model=MODEL, input=given, **settings)


def apart(vector, golden):
    return max(abs(one - other) for one, other in zip(vector, golden, strict=True))


class Vectors(unittest.TestCase):
    def test_each_text_alone(self):
        for case in CASES[:4]:
            answer = made(case["text"])
            self.assertEqual((answer.object, answer.model, len(answer.data)), ("list", MODEL, 1))
            self.assertEqual((answer.data[0].object, answer.data[0].index), ("embedding", 0))
            self.assertLess(apart(answer.data[0].embedding, case["vector"]), 1e-5, case["text"])
            self.assertEqual(answer.usage.prompt_tokens, len(case["tokens"]))
            self.assertEqual(answer.usage.total_tokens, len(case["tokens"]))

    def test_all_texts_at_once(self):
        answer = made([case["text"] for case in CASES])
        self.assertEqual([one.index for one in answer.data], list(range(len(CASES))))
        for one, case in zip(answer.data, CASES, strict=True):
            self.assertLess(apart(one.embedding, case["vector"]), 1e-5, case["text"])
            self.assertAlmostEqual(math.hypot(*one.embedding), 1, places=5)
        self.assertEqual(answer.usage.prompt_tokens, sum(len(case["tokens"]) for case in CASES))

    def test_two_thousand_texts(self):
        text = CASES[0]["text"]
        answer = made([text] * 2048)
        self.assertEqual(len(answer.data), 2048)
        self.assertLess(max(apart(one.embedding, CASES[0]["vector"]) for one in answer.data), 1e-5)

    def test_numbers_and_base64_are_the_same(self):
        text = CASES[2]["text"]
        numbers = made(text, encoding_format="float").data[0].embedding
        self.assertIsInstance(numbers[0], float)
        raw = client().embeddings.with_raw_response.create(model=MODEL, input=text, encoding_format="base64")
        written = json.loads(raw.text)["data"][0]["embedding"]
        self.assertIsInstance(written, str)
        self.assertEqual(len(written), 2048)
        # The package asks for base64 where nothing is said, and reads it.
        self.assertLess(apart(made(text).data[0].embedding, numbers), 1e-7)
        self.assertEqual(raw.headers["x-gwanmun-destination"], "local")

    def test_tokens_with_and_without_those_round_them(self):
        tokens = CASES[0]["tokens"]
        for given in (tokens, tokens[1:-1], [tokens, tokens[1:-1]]):
            for one in made(given).data:
                self.assertLess(apart(one.embedding, CASES[0]["vector"]), 1e-5)

    def test_it_is_listed(self):
        self.assertIn(MODEL, [model.id for model in client().models.list()])

    def test_as_many_dimensions_as_it_has(self):
        self.assertEqual(len(made("a", dimensions=384).data[0].embedding), 384)


class Refusals(unittest.TestCase):
    def refused(self, param, given, code=None, model=MODEL, **settings):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().embeddings.create(model=model, input=given, **settings)
        self.assertEqual(caught.exception.param, param)
        if code:
            self.assertEqual(caught.exception.code, code)
        return str(caught.exception)

    def test_fewer_dimensions(self):
        self.assertIn("384 numbers", self.refused("dimensions", "a", dimensions=128))

    def test_a_text_that_is_too_long(self):
        words = self.refused("input", ["short", GOLDEN["long"][0]["text"]], "context_length_exceeded")
        self.assertIn("text 1 has 257 tokens", words)
        self.assertIn("at most 256", words)

    def test_nothing(self):
        self.refused("input", "")
        self.refused("input", [])

    def test_tokens_of_another_vocabulary(self):
        self.assertIn("30521", self.refused(None, [99_999]))

    def test_models_are_not_confused(self):
        self.refused("input", "a", model=os.environ["GWANMUN_MODEL"])
        with self.assertRaises(openai.BadRequestError) as caught:
            client().chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}])
        self.assertIn("/v1/embeddings", str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
