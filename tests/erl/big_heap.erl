%% A heap that grows to 100 MB, is worked on, and shrinks again.
%% gcstress: small
-module(big_heap).
-export([main/0, main/1]).

main() -> run(2600000, 100000000).

main([small]) -> run(500, 0).

run(N, AtLeast) ->
    {Pid, Ref} = spawn_monitor(fun() -> work(N, AtLeast) end),
    receive {'DOWN', Ref, process, Pid, Reason} -> erlang:display({ended, Reason}) end.

work(N, AtLeast) ->
    List = build(N, []),
    erlang:display({length, length(List)}),
    erlang:display({sum, sum(List, 0)}),
    %% Each element: a cons cell and a tuple of two with its header, 40 bytes.
    erlang:garbage_collect(),
    Grown = memory(),
    erlang:display({grew, Grown >= AtLeast}),
    Half = every_other(List),
    erlang:display({half, length(Half), sum(Half, 0)}),
    shrink(Half, Grown, AtLeast).

%% List is not used any more from here on.
shrink(Half, Grown, AtLeast) ->
    Kept = [element(1, hd(Half)), element(2, lists:last(Half))],
    erlang:garbage_collect(),
    erlang:display({shrank, AtLeast =:= 0 orelse memory() < Grown div 10}),
    erlang:display(Kept).

memory() ->
    {memory, Bytes} = process_info(self(), memory),
    Bytes.

build(0, List) -> List;
build(N, List) -> build(N - 1, [{N, N * 2} | List]).

sum([], Sum) -> Sum;
sum([{A, B} | Rest], Sum) -> sum(Rest, Sum + A + B).

every_other([X, _ | Rest]) -> [X | every_other(Rest)];
every_other(Rest) -> Rest.
