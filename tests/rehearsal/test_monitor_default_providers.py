"""A resource without a provider is refused where Pulumi.yaml disables the default one."""

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes
import pulumi_random as random
import pytest

from rehearsal.errors import NoProviderError
from rehearsal.evaluation import evaluate_program
from rehearsal.source_position import ROOT

HERE = "tests/rehearsal/test_monitor_default_providers.py"


def line_of(text: str) -> int:
    lines = (ROOT / HERE).read_text().splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if line.strip() == text]
    return found


class Password(random.RandomPassword):
    """A resource whose own constructor is in the program."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, length=20, opts=opts)


class LongPassword(Password):
    """And whose constructor calls another one."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{name}-long", opts)


def test_a_custom_resource_without_a_provider_is_refused_with_stack_line_and_remedy() -> None:
    def program() -> None:
        aws.sqs.Queue("nowhere")

    with pytest.raises(NoProviderError) as caught:
        evaluate_program(program, "cell.here")
    assert caught.value.stack == "cell.here"
    line = line_of('aws.sqs.Queue("nowhere")')
    assert str(caught.value.source) == f"{HERE}:{line}"
    assert "aws:sqs/queue:Queue named 'nowhere'" in caught.value.problem
    assert "ResourceOptions(provider=" in caught.value.remedy


def test_a_remote_component_needs_a_provider_of_its_own_package() -> None:
    def program() -> None:
        provider = aws.Provider("here", region="eu-west-1")
        eks.Cluster("cluster", opts=pulumi.ResourceOptions(providers={"aws": provider}))

    with pytest.raises(NoProviderError, match="eks:index:Cluster named 'cluster'"):
        evaluate_program(program)


def test_a_provider_of_another_package_does_not_help() -> None:
    def program() -> None:
        provider = kubernetes.Provider("cluster", kubeconfig="{}")
        component = pulumi.ComponentResource(
            "test:it:Component", "c", None, pulumi.ResourceOptions(providers=[provider])
        )
        aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(parent=component))

    with pytest.raises(NoProviderError, match="default one of aws"):
        evaluate_program(program)


def test_a_provider_that_a_component_hands_down_is_enough() -> None:
    def program() -> None:
        provider = aws.Provider("here", region="eu-west-1")
        component = pulumi.ComponentResource(
            "test:it:Component", "c", None, pulumi.ResourceOptions(providers=[provider])
        )
        aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(parent=component))

    queue = evaluate_program(program).named("queue")
    assert queue.provider is not None
    assert queue.provider.endswith("::here")


def test_stack_references_and_components_need_none() -> None:
    def program() -> None:
        pulumi.StackReference("other", stack_name="organization/patchworks/other")
        pulumi.ComponentResource("test:it:Component", "c")

    graph = evaluate_program(program, stack_outputs=lambda _: {})
    assert {"other", "c"} == {resource.name for resource in graph.resources.values()}


def test_the_line_is_where_a_resource_is_declared_not_where_its_class_is_written() -> None:
    def program() -> None:
        options = pulumi.ResourceOptions(provider=random.Provider("passwords"))
        Password("one", options)
        LongPassword("two", options)

    graph = evaluate_program(program)
    declared = {"one": 'Password("one", options)', "two-long": 'LongPassword("two", options)'}
    for name, text in declared.items():
        assert str(graph.named(name).source) == f"{HERE}:{line_of(text)}"
