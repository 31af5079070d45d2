"""llama.cpp's speed on a model, through the library that `llama-cpp-python` brings, as one JSON object of figures.

Measures what the floor's own benchmark measures, under the same names, so that the two can be laid side by side.
Usage: python llama_bench.py MODEL.gguf THREADS [SEQUENCES,SEQUENCES...]
"""

import ctypes
import json
import sys
import time

import llama_cpp

PROMPT_TOKENS = 512
SHORT_PROMPT_TOKENS = 16
ANSWER_TOKENS = 128
SHARED_PROMPT_TOKENS = 64
SHARED_ANSWER_TOKENS = 32


class Model:
    """A model and a context of it, whose cache holds as many sequences."""

    def __init__(self, path, threads, sequences):
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"llama.cpp does not load `{path}`; look at what it said above")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = max(1024, 128 * sequences)
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_seq_max = sequences
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.kv_unified = True
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def round(self, sequences, prompt_tokens, answer_tokens):
        """Reads a prompt of each sequence, then writes an answer of each: tokens a second, and ms to the first."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        prompt = [(i * 7919 + 13) % self.vocabulary for i in range(prompt_tokens)]
        begun = time.perf_counter()
        together = max(1, 512 // prompt_tokens)
        tokens = []
        for first in range(0, sequences, together):
            some = range(first, min(sequences, first + together))
            tokens += self.decode([(token, at, sequence, at == prompt_tokens - 1)
                                   for sequence in some for at, token in enumerate(prompt)])
        read = time.perf_counter() - begun
        begun = time.perf_counter()
        for position in range(prompt_tokens, prompt_tokens + answer_tokens):
            tokens = self.decode([(token, position, sequence, True) for sequence, token in enumerate(tokens)])
        written = time.perf_counter() - begun
        return sequences * prompt_tokens / read, sequences * answer_tokens / max(written, 1e-9), read * 1e3

    def decode(self, rows):
        batch = llama_cpp.llama_batch_init(len(rows), 0, 1)
        batch.n_tokens = len(rows)
        for index, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[index] = token
            batch.pos[index] = position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = wanted
        failed = llama_cpp.llama_decode(self.context, batch)
        if failed:
            raise SystemExit(f"llama.cpp's decode failed with {failed}")
        tokens = [self.greedy(index) for index, row in enumerate(rows) if row[3]]
        llama_cpp.llama_batch_free(batch)
        return tokens

    def greedy(self, index):
        # A glance at some of the logits: Python would take longer to look at all of them than the model to compute.
        logits = llama_cpp.llama_get_logits_ith(self.context, index)
        return max(range(0, self.vocabulary, 997), key=lambda token: logits[token])


def peak_mib():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM:"))


def main():
    path, threads = sys.argv[1], int(sys.argv[2])
    counts = [int(count) for count in (sys.argv[3] if len(sys.argv) > 3 else "1").split(",")]

    @llama_cpp.llama_log_callback
    def quiet(_level, _text, _user_data):
        pass

    llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    begun = time.perf_counter()
    model = Model(path, threads, max(counts))
    told = {"threads": threads, "load_ms": (time.perf_counter() - begun) * 1e3}
    for count in counts:
        if count == 1:
            model.round(1, SHORT_PROMPT_TOKENS, 1)
            _, told["decode_tokens_per_second"], _ = model.round(1, SHORT_PROMPT_TOKENS, ANSWER_TOKENS)
            read, written, first = model.round(1, PROMPT_TOKENS, ANSWER_TOKENS)
            told["prefill_tokens_per_second"] = read
            told["decode_after_prompt_tokens_per_second"] = written
            told["first_token_ms"] = first
        else:
            read, written, _ = model.round(count, SHARED_PROMPT_TOKENS, SHARED_ANSWER_TOKENS)
            told[f"prefill_of_{count}_tokens_per_second"] = read
            told[f"decode_of_{count}_tokens_per_second"] = written
    told["peak_mib"] = peak_mib()
    print(json.dumps(told))


main()
