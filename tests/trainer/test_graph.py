"""The graphs: the thesis' as published, the fast one without what slows it down."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest

from trainer import __main__ as trainer
from trainer import config as configuration
from trainer import presets
from trainer.context import Context
from trainer.event_log import EventLog
from trainer.timing import Clock, Usage

trainer._import_tensorflow()

import tensorflow.compat.v1 as tf

from trainer import cluster, model
from trainer.strategies.async_ps import Asynchronous
from trainer.subgraph import Subgraph


def build(preset: str, *flags: str, ps: int = 2) -> tuple[Any, Any, Context]:
    hosts = ["--ps_hosts", ",".join(f"ps:{i + 1}" for i in range(ps)), "--worker_hosts", "w:1,w:2"]
    argv = ["--job_name", "worker", "--task_index", "1", *hosts, "--preset", preset, "--dataset", "synthetic"]
    config = configuration.parse([*argv, "--synthetic_examples", "100", "--seed", "1", *flags], {})
    log = EventLog(replica="worker", index=1, clock=Clock(), stream=io.StringIO())
    context = Context(config=config, log=log, clock=Clock(), usage=Usage())
    kind = presets.load(preset)
    graph = tf.Graph()
    with graph.as_default(), tf.device(cluster.placement(config)):
        tf.set_random_seed(config.seed)
        loop = kind(context, Asynchronous().minimise)
    return graph, loop, context


def variables(graph: Any) -> dict[str, Any]:
    return {variable.op.name: variable for variable in graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)}


def kinds(graph: Any) -> set[str]:
    return {op.type for op in graph.get_operations()}


def test_thesis_graph_holds_the_summaries_of_the_listings() -> None:
    graph, _loop, _context = build("thesis")
    made = sorted(tensor.op.name for tensor in graph.get_collection(tf.GraphKeys.SUMMARIES))
    variable = ("mean_1", "stddev_1", "max_1", "min_1", "histogram")
    assert made == sorted(
        [f"layer_linear/{scope}/summaries/{name}" for scope in ("weights", "bias") for name in variable]
        + ["input_reshape/input", "layer_linear/Wx_plus_b/pre_activations", "layer_linear/activations"]
        + ["cross_entropy_1", "accuracy_1"]
    )


def test_thesis_graph_has_the_published_formula_and_variables() -> None:
    graph, _loop, _context = build("thesis")
    names = {name.rpartition("/")[2]: variable.shape.as_list() for name, variable in variables(graph).items()}
    assert names == {"hid_w": [784, 100], "hid_b": [100], "sm_w": [100, 10], "sm_b": [10]}
    assert {"Softmax", "Log", "Minimum", "Maximum", "ApplyAdam", "VariableV2"} <= kinds(graph)
    assert "VarHandleOp" not in kinds(graph)
    assert "SparseSoftmaxCrossEntropyWithLogits" not in kinds(graph)


def test_thesis_placement_deals_variables_out_in_turn() -> None:
    graph, loop, _context = build("thesis")
    tasks = {name.rpartition("/")[2]: variable.device for name, variable in variables(graph).items()}
    # The global step comes first, on task 0.
    assert loop.global_step.device == "/job:ps/task:0/device:CPU:0"
    assert {name: device.split("task:")[1][0] for name, device in tasks.items()} == {
        "hid_w": "1", "hid_b": "0", "sm_w": "1", "sm_b": "0",
    }  # fmt: skip


def test_fast_graph_has_no_summaries_and_feeds_nothing() -> None:
    graph, loop, _context = build("fast")
    assert graph.get_collection(tf.GraphKeys.SUMMARIES) == []
    assert not {kind for kind in kinds(graph) if "Summary" in kind}
    assert "Placeholder" not in {op.type for op in needed(loop._calls[10])}


@pytest.mark.parametrize("preset", ["thesis", "fast"])
@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_parameters_lie_on_ps_and_examples_on_the_worker(preset: str, model: str) -> None:
    graph, _loop, context = build(preset, "--model", model)
    assert all(variable.device.startswith("/job:ps/") for variable in variables(graph).values())
    local = graph.get_collection(tf.GraphKeys.LOCAL_VARIABLES)
    assert all(variable.device == "/job:worker/task:1/device:CPU:0" for variable in local)
    assert sum(cluster.bytes_per_ps(graph, context.config)) > 0


@pytest.mark.parametrize("preset", ["thesis", "fast"])
@pytest.mark.parametrize(("num_gpus", "device"), [("1", "GPU:0"), ("2", "GPU:1"), ("4", "GPU:1")])
def test_with_gpus_the_network_computes_on_that_of_the_task(preset: str, num_gpus: str, device: str) -> None:
    """Worker 1 takes GPU 1 modulo their number (Listing 5.4); parameters and examples lie where they lay."""
    graph, _loop, context = build(preset, "--num_gpus", num_gpus)
    places = {op.device for op in graph.get_operations() if op.type == "MatMul"}
    assert places == {f"/job:worker/task:1/device:{device}"}
    assert all(variable.device.startswith("/job:ps/") for variable in variables(graph).values())
    fetched = {op.device for op in graph.get_operations() if op.type in ("ResourceGather", "QueueDequeueManyV2")}
    assert fetched <= {"/job:worker/task:1/device:CPU:0"}
    assert cluster.session_config(context.config).device_count["GPU"] == int(num_gpus)


def test_a_ps_leaves_the_gpus_alone() -> None:
    _graph, _loop, context = build("fast", "--num_gpus", "2")
    config = cluster.session_config(dataclasses.replace(context.config, job_name="ps"))
    assert config.device_count["GPU"] == 0
    assert config.gpu_options.allow_growth


@pytest.mark.parametrize(("preset_flags", "ps"), [((), 1), ((), 3), (("--strategy", "sync_ps"), 2)])
def test_fast_splits_the_parameters_evenly(preset_flags: tuple[str, ...], ps: int) -> None:
    graph, loop, context = build("fast", *preset_flags, ps=ps)
    sizes = [variable.shape.num_elements() for variable in variables(graph).values()]
    assert len(sizes) == ps
    assert sum(sizes) == 784 * 100 + 100 + 100 * 10 + 10 == loop.shards.total
    assert max(sizes) - min(sizes) <= 1
    per_ps = cluster.bytes_per_ps(graph, context.config)
    # The global step and powers of beta are beside them.
    assert max(per_ps) - min(per_ps) <= 32


def test_fast_pulls_each_round_after_the_push_of_the_one_before() -> None:
    _graph, loop, _context = build("fast", "--rounds", "4", ps=2)
    step, _loss = loop._calls[4]
    pushes = [op for op in needed([step]) if op.type == "ResourceApplyAdam"]
    assert len(pushes) == 4 * 2
    for ps in ("0", "1"):
        ours = sorted((op for op in pushes if f"task:{ps}" in op.device), key=lambda op: len(needed(op.inputs)))
        seen = [{one for one in needed([gradient_of(op)]) if one.type == "ResourceApplyAdam"} for op in ours]
        # The gradient of a round is taken at what all pushes of the rounds before it have made.
        assert [len(one) for one in seen] == [0, 2, 4, 6]
        assert all(ours[number] in seen[number + 1] for number in range(3))


def test_a_copied_part_is_where_the_part_is_and_comes_after_what_it_is_given() -> None:
    with tf.Graph().as_default(), tf.device("/job:worker/task:7/cpu:0"):
        held = tf.Variable(1.0, use_resource=True)

        def grow(after: Any, by: Any) -> list[Any]:
            with tf.device("/cpu:0"), tf.control_dependencies([after]):
                grown = held.assign(held.read_value() * by + 1.0, read_value=False)
                with tf.control_dependencies([grown]):
                    seen = held.read_value()
                with tf.control_dependencies([seen]):
                    return [tf.constant(0), seen]

        numbers = [tf.constant(number) for number in (2.0, 3.0, 5.0)]
        subgraph = Subgraph(grow, [tf.constant(0), numbers[0]])
        done, first = subgraph.made
        done, second = subgraph.copy([done, numbers[1]])
        done, third = subgraph.copy([done, numbers[2]])
        assert {first.device, second.device, third.device} == {"/job:worker/task:7/device:CPU:0"}
        # 1 * 2 + 1, then * 3 + 1, then * 5 + 1: in another order it is another number.
        with tf.Session(graph=local(tf.get_default_graph())) as session:
            session.run(held.initializer.name)
            assert session.run([first.name, second.name, third.name]) == [3.0, 10.0, 51.0]


def local(graph: Any) -> Any:
    """The same without places, for a session of this process."""
    definition = graph.as_graph_def()
    for node in definition.node:
        node.device = ""
    with tf.Graph().as_default() as copied:
        tf.import_graph_def(definition, name="")
    return copied


class Handed:
    """Stands in for a session: a call whose batches are not all there would wait without end."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._ordered = self._step = 0

    def run(self, _fetches: Any, feed: dict[Any, Any]) -> None:
        if self._loop._order_in in feed:
            self._ordered += len(feed[self._loop._order_in])

    def make_callable(self, fetches: Any, *, accept_options: bool) -> Any:
        assert accept_options
        rounds = next(rounds for rounds, made in self._loop._calls.items() if made is fetches)
        return lambda _options, _metadata: self._take(rounds)

    def _take(self, rounds: int) -> tuple[int, float]:
        assert self._ordered >= rounds
        self._ordered -= rounds
        self._step += rounds
        return self._step, 0.5


def test_fast_hands_over_as_many_batches_as_a_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.presets.fast.ORDER_BLOCK", 4)
    _graph, loop, _context = build("fast", "--rounds", "10", "--train_steps", "40")
    session = Handed(loop)
    loop.initialise(session)
    assert loop.train(session) == 40


def test_fast_of_more_ps_than_parameters_gets_a_sentence() -> None:
    tiny = ("--synthetic_shape", "1x1x1", "--synthetic_classes", "2", "--hidden_units", "1")
    with pytest.raises(configuration.ConfigError, match="--ps_hosts names 9 ps, but the network has only 6 parameters"):
        build("fast", *tiny, ps=9)


def needed(wanted: Any) -> set[Any]:
    """All that is done to get these."""
    found: set[Any] = set()
    waiting = [tensor.op for tensor in wanted]
    while waiting:
        op = waiting.pop()
        if op not in found:
            found.add(op)
            waiting += [*(tensor.op for tensor in op.inputs), *op.control_inputs]
    return found


def gradient_of(push: Any) -> Any:
    return push.inputs[-1]


def losses(preset: str, logits: Any, label: int) -> float:
    """The loss of one example as each preset has it."""
    with tf.Graph().as_default(), tf.Session(target="") as session:
        scores = tf.constant([logits], tf.float32)
        if preset == "thesis":
            one_hot = tf.one_hot([label], len(logits))
            loss = -tf.reduce_sum(one_hot * tf.log(tf.clip_by_value(tf.nn.softmax(scores), 1e-10, 1.0)))
        else:
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[label], logits=scores))
        return float(session.run(loss))


@pytest.mark.parametrize(("logits", "label"), [([0.0, 1.0, 2.0], 0), ([5.0, -5.0, 0.5], 1), ([1.0, 1.0, 1.0], 2)])
def test_both_losses_are_equal_where_nothing_is_clipped(logits: list[float], label: int) -> None:
    assert losses("fast", logits, label) == pytest.approx(losses("thesis", logits, label), rel=1e-5)


def first_weights(*, use_resource: bool, before: int) -> Any:
    """Weights as they start, in a graph where `before` other operations were made first."""
    with tf.Graph().as_default(), tf.Session(target="") as session:
        tf.set_random_seed(1)
        for number in range(before):
            tf.constant(number)
        make = model.Parameters(seed=1, use_resource=use_resource)
        both = [make.weights(name, [30, 20], 0.1) for name in ("first", "second")]
        session.run(tf.global_variables_initializer())
        return session.run(both)


def test_seeded_weights_do_not_depend_on_the_graph_around_them() -> None:
    thesis, fast = first_weights(use_resource=False, before=0), first_weights(use_resource=True, before=7)
    assert (thesis[0] == fast[0]).all()
    assert (thesis[1] == fast[1]).all()
    assert (thesis[0] != thesis[1]).any()
