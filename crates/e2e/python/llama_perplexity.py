"""llama.cpp's perplexity over pieces of tokens, which come on standard input as the floor's own measurement tells them.

Usage: python llama_perplexity.py MODEL.gguf THREADS < what floor_perplexity printed
"""

import ctypes
import json
import sys

import llama_cpp
import numpy


def main():
    path, threads = sys.argv[1], int(sys.argv[2])
    pieces = json.loads(sys.stdin.read())["pieces"]

    @llama_cpp.llama_log_callback
    def quiet(_level, _text, _user_data):
        pass

    llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
    if not model:
        raise SystemExit(f"llama.cpp does not load `{path}`; look at what it said above")
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
    parameters.n_threads = parameters.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(model, parameters)
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    surprise, predicted = 0.0, 0
    for piece in pieces:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        batch = llama_cpp.llama_batch_init(len(piece), 0, 1)
        batch.n_tokens = len(piece)
        for index, token in enumerate(piece):
            batch.token[index], batch.pos[index], batch.n_seq_id[index] = token, index, 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = True
        failed = llama_cpp.llama_decode(context, batch)
        if failed:
            raise SystemExit(f"llama.cpp's decode failed with {failed}")
        logits = llama_cpp.llama_get_logits(context)
        rows = numpy.ctypeslib.as_array(logits, shape=(len(piece), vocabulary)).astype(numpy.float64)
        rows -= rows.max(axis=1, keepdims=True)
        scores = rows - numpy.log(numpy.exp(rows).sum(axis=1, keepdims=True))
        surprise -= scores[numpy.arange(len(piece) - 1), piece[1:]].sum()
        predicted += len(piece) - 1
        llama_cpp.llama_batch_free(batch)
    print(json.dumps({"perplexity": float(numpy.exp(surprise / predicted)), "predicted": predicted}))


main()
