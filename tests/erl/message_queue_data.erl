%% Messages that are kept off the heap: where they count, and that they are whole when they are received.
-module(message_queue_data).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, false),
    ?SHOW(process_flag(message_queue_data, off_heap)),
    ?SHOW(process_info(self(), message_queue_data)),
    ?TRY(process_flag(message_queue_data, id(elsewhere))),
    ?SHOW([waiting(Where) || Where <- [off_heap, on_heap]]),
    ?SHOW(memory(off_heap)),
    ?SHOW([tagged(Where) || Where <- [off_heap, on_heap]]),
    ?SHOW(selective()),
    ?SHOW(in_guards()),
    ?SHOW(from_others()),
    ?SHOW(seen()),
    ?SHOW(changed()),
    ?SHOW(moved()),
    ?SHOW(moved_whole()),
    ?SHOW(moved_and_back()),
    ?SHOW(binaries()),
    ?SHOW(markers()),
    ?SHOW(traced()),
    ?SHOW(flushed()),
    ?SHOW(process_flag(message_queue_data, on_heap)).

%% Whether the heap of a process is the same when it has looked through a hundred messages that it does not take.
waiting(Where) ->
    Pid = spawn_opt(fun pids/0, [{message_queue_data, Where}, link]),
    {_, Before} = process_info(Pid, total_heap_size),
    [Pid ! lists:duplicate(N, N) || N <- lists:seq(1, 100)],
    Pid ! self(),
    receive ok -> ok end,
    {_, After} = process_info(Pid, total_heap_size),
    {Where, process_info(Pid, message_queue_len), Before =:= After}.

pids() -> receive Pid when is_pid(Pid) -> Pid ! ok, pids() end.

%% Whether messages count as memory of the process at all.
memory(Where) ->
    Pid = spawn_opt(fun pids/0, [{message_queue_data, Where}, link]),
    {_, Before} = process_info(Pid, memory),
    [Pid ! lists:duplicate(1000, N) || N <- lists:seq(1, 10)],
    {_, After} = process_info(Pid, memory),
    {Where, After - Before >= 10 * 1000 * 16}.

selective() ->
    [self() ! {N, [N, {N}, <<N>>], 1 bsl (N + 60)} || N <- lists:seq(1, 20)],
    [receive {N, Value, Big} -> garbage_collect(), {Value, Big} end || N <- [20, 1, 10 | lists:seq(2, 9)] ++ lists:seq(11, 19)].

%% Guards that make garbage while the message is looked at.
in_guards() ->
    [self() ! {value, N bsl 70, lists:seq(1, N)} || N <- lists:seq(1, 30)],
    Wanted = id(17 bsl 71),
    A = receive {value, V1, L1} when V1 * 2 =:= Wanted -> {V1, L1} end,
    B = receive {value, V2, L2} when V2 + V2 + V2 > Wanted * 2, length(L2) rem 5 =:= 0 -> {V2, L2} end,
    {A, B, length([1 || _ <- lists:seq(1, 28), receive {value, V, _} when V + V > 0 -> true after 0 -> false end])}.

from_others() ->
    Self = self(),
    Pids = [spawn_link(fun() -> Self ! {self(), big(N)} end) || N <- [1, 10, 1000, 10000]],
    [receive {Pid, Big} -> erlang:phash2(Big) end || Pid <- Pids].

big(N) -> lists:foldl(fun(I, Acc) -> [{I, Acc} | I] end, [], lists:seq(1, N)).

seen() ->
    [self() ! {N, [N]} || N <- lists:seq(1, 3)],
    {messages, Messages} = process_info(self(), messages),
    garbage_collect(),
    Self = self(),
    Other = spawn_link(fun() -> Self ! {seen, process_info(Self, [messages, message_queue_len])} end),
    _ = Other,
    Told = receive {seen, Info} -> Info end,
    {Messages, Told, [receive {N, X} -> X end || N <- [3, 2, 1]]}.

changed() ->
    [self() ! {first, [N]} || N <- lists:seq(1, 3)],
    process_flag(message_queue_data, on_heap),
    garbage_collect(),
    [self() ! {second, [N]} || N <- lists:seq(1, 3)],
    process_flag(message_queue_data, off_heap),
    [self() ! {third, [N]} || N <- lists:seq(1, 3)],
    garbage_collect(),
    all().

%% Messages that wait on the heap when it is left: the heap of the process becomes small without them, and they are whole.
moved() ->
    process_flag(message_queue_data, on_heap),
    [self() ! {N, lists:seq(1, 200)} || N <- lists:seq(1, 200)],
    garbage_collect(),
    {_, With} = process_info(self(), total_heap_size),
    on_heap = process_flag(message_queue_data, off_heap),
    settled(),
    {_, Without} = process_info(self(), total_heap_size),
    Kept = process_info(self(), message_queue_len),
    {With > 80000, Without < 60000, Kept, length([N || {N, L} <- all(), length(L) =:= 200, lists:sum(L) =:= 20100])}.

%% OTP moves the messages a little later.
settled() ->
    receive nothing -> ok after 50 -> ok end,
    garbage_collect(),
    garbage_collect().

moved_whole() ->
    process_flag(message_queue_data, on_heap),
    Binary = binary:copy(<<"0123456789">>, 100),
    Shared = lists:foldl(fun(_, Acc) -> [Acc, Acc] end, {Binary}, lists:seq(1, 8)),
    Fun = fun(X) -> {X, Shared} end,
    self() ! literal,
    self() ! {literal, [term]},
    self() ! Shared,
    self() ! #{fun_of => Fun, big => 1 bsl 100, part => binary:part(Binary, 3, 90), bits => <<1:7>>},
    self() ! [make_ref(), self(), 1.5 | improper],
    process_flag(message_queue_data, off_heap),
    self() ! {last, Shared},
    settled(),
    [Literal, Other, Nested, Map, [Ref, Self, Float | Tail], {last, Last}] = all(),
    #{fun_of := Same, big := Big, part := Part, bits := Bits} = Map,
    {Literal, Other, Nested =:= Shared, Same(1) =:= {1, Shared}, Big, Part, Bits,
     is_reference(Ref), Self =:= self(), Float, Tail, Last =:= Shared}.

moved_and_back() ->
    process_flag(message_queue_data, on_heap),
    Pairs = [{N, [N, {N}]} || N <- lists:seq(1, 10)],
    [self() ! Pair || Pair <- Pairs],
    Ends = [receive {N, [N | _]} -> N end || N <- [3, 1, 9]],
    process_flag(message_queue_data, off_heap),
    settled(),
    More = [receive {N, [N | _]} -> N end || N <- [10, 4]],
    process_flag(message_queue_data, on_heap),
    settled(),
    process_flag(message_queue_data, off_heap),
    self() ! {11, [11]},
    settled(),
    {Ends, More, all()}.

all() -> receive Message -> [Message | all()] after 0 -> [] end.

binaries() ->
    Binary = binary:copy(<<"0123456789">>, 100),
    [self() ! {N, binary:part(Binary, N, 200)} || N <- lists:seq(1, 5)],
    garbage_collect(),
    Sizes = [receive {N, B} -> {N, byte_size(B), binary:first(B)} end || N <- [5, 4, 3, 2, 1]],
    self() ! {lost, Binary},
    {Sizes, receive {lost, _} -> ok end}.

markers() ->
    [self() ! {before, [N]} || N <- lists:seq(1, 5)],
    Ref = make_ref(),
    self() ! {Ref, [answer]},
    Answer = receive {Ref, X} -> X end,
    {Answer, all()}.

traced() ->
    erlang:seq_trace(label, {a, [label]}),
    self() ! {with, [token]},
    erlang:seq_trace(sequential_trace_token, []),
    self() ! {without, [token]},
    garbage_collect(),
    [receive {With, _} -> {With, erlang:seq_trace_info(label)} end || With <- [without, with]].

flushed() ->
    erlang:seq_trace(sequential_trace_token, []),
    {Pid, Monitor} = spawn_monitor(fun() -> exit([some, {reason}]) end),
    wait_for_end(Pid),
    [self() ! {N, [N]} || N <- [1, 2]],
    demonitor(Monitor, [flush]),
    all().

wait_for_end(Pid) ->
    case is_process_alive(Pid) of
        true -> erlang:yield(), wait_for_end(Pid);
        false -> ok
    end.

%% The tag of a monitor is a term of the receiver's, which moves between the end of the other and the receive.
tagged(Where) ->
    process_flag(message_queue_data, Where),
    Tag = {tag, ?MODULE:id([1, 2, 3])},
    Monitors = [element(2, spawn_opt(fun() -> ok end, [{monitor, [{tag, Tag}]}])) || _ <- lists:seq(1, 50)],
    [] = [M || M <- Monitors, not is_reference(M)],
    receive after 50 -> ok end,
    garbage_collect(),
    _ = lists:seq(1, 1000),
    garbage_collect(),
    length([receive {Tag, M, process, _, normal} -> M end || M <- Monitors]).
