%% Collections by request and by need: every kind of term must survive them.
%% gcstress: small
-module(garbage_collection).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(2000).

main([small]) -> run(50).

run(N) ->
    Zoo = zoo(),
    Sum = erlang:phash2(Zoo),
    ?SHOW(erlang:garbage_collect()),
    ?SHOW(erlang:phash2(Zoo) =:= Sum),
    ?SHOW(Zoo =:= zoo()),
    [junk(I) || I <- lists:seq(1, N)],
    ?SHOW(Zoo =:= zoo()),
    ?SHOW(erlang:phash2(Zoo) =:= Sum),
    ?SHOW(generations(N, [])),
    ?SHOW(tree_sum(replace(tree(8), N))),
    ?SHOW(queue(N, [], [], 0)),
    ?SHOW(length(rebuild(lists:seq(1, N), 20))),
    Pid = spawn(fun() -> receive {check, From} -> From ! {checked, get(zoo) =:= zoo()} end end),
    ?SHOW(erlang:garbage_collect(Pid)),
    Holder = spawn(fun() -> put(zoo, zoo()), receive {check, From} -> From ! {checked, get(zoo) =:= zoo()} end end),
    [erlang:garbage_collect(Holder) || _ <- [1, 2, 3]],
    Holder ! {check, self()},
    ?SHOW(receive {checked, R} -> R end),
    exit(Pid, kill),
    ?SHOW(erlang:garbage_collect(Pid)),
    ?SHOW(erlang:garbage_collect(self(), [{type, minor}])),
    ?SHOW(erlang:garbage_collect(self(), [{type, major}])),
    ?SHOW(erlang:garbage_collect(self(), [{async, request}])),
    ?SHOW(receive {garbage_collect, request, Result} -> Result after 1000 -> lost end),
    [?SHOW({Kind, collections(Kind)}) || Kind <- [minor, major], N >= 2000],
    ?TRY(erlang:garbage_collect(id(not_a_pid))),
    {message_queue_len, 0} = process_info(self(), message_queue_len),
    mailbox(N).

zoo() ->
    A = id(7),
    Big = id(1 bsl 200),
    Binary = binary:copy(<<"heap">>, 3),
    Large = binary:copy(<<"off heap">>, 50),
    <<_:4, Bits:77/bits, _/bits>> = Large,
    [A, Big, -Big, id(1.5), atom, {tuple, [list, {with, <<"things">>}]}, [improper | tail], #{map => #{nested => [Big]}, Binary => Large},
     maps:from_list([{{k, I}, [I]} || I <- lists:seq(1, 40)]), Binary, Large, Bits, binary:part(Large, 3, 100), fun lists:map/2,
     [], {}, #{}, <<>>, "string", lists:seq(1, 20)].

junk(I) -> list_to_tuple([I, {I, I}, integer_to_list(I), <<I:64>>, float(I), #{I => I}]).

%% Some of each generation survives.
generations(0, Kept) -> {length(Kept), lists:sum([X || {X, _} <- Kept])};
generations(N, Kept) ->
    _ = [junk(I) || I <- [1, 2, 3]],
    case N rem 7 of
        0 -> generations(N - 1, [{N, integer_to_binary(N)} | Kept]);
        _ -> generations(N - 1, Kept)
    end.

tree(0) -> {leaf, 1};
tree(N) -> {tree(N - 1), N, tree(N - 1)}.

%% Old data pointing to new data, again and again.
replace(Tree, 0) -> Tree;
replace({L, N, R}, Times) -> replace({R, N, replace_left(L, Times)}, Times - 1).

replace_left({_, N, R}, Times) -> {{leaf, Times rem 10}, N, R};
replace_left(Leaf, _) -> Leaf.

tree_sum({leaf, N}) -> N;
tree_sum({L, N, R}) -> tree_sum(L) + N + tree_sum(R).

queue(0, In, Out, Sum) -> {Sum, length(In) + length(Out)};
queue(N, In, [], Sum) when length(In) > 10 -> queue(N, [], lists:reverse(In), Sum);
queue(N, In, [{_, X} | Out], Sum) -> queue(N - 1, [{N, N * N} | In], Out, Sum + X);
queue(N, In, [], Sum) -> queue(N - 1, [{N, N * N} | In], [], Sum).

rebuild(List, 0) -> List;
rebuild(List, N) -> rebuild([X + 1 || X <- List], N - 1).

%% Messages that wait while their receiver collects.
mailbox(N) ->
    [self() ! {message, I, integer_to_binary(I), [I]} || I <- lists:seq(1, N)],
    erlang:garbage_collect(),
    _ = [junk(I) || I <- lists:seq(1, N)],
    ?SHOW(lists:sum([receive {message, I, B, [I]} -> binary_to_integer(B) end || I <- lists:seq(N, 1, -1)])).

%% What a process does that is told to collect its own garbage.
collections(Kind) ->
    Pid = spawn(fun() -> receive {collect, From} -> From ! {collected, erlang:garbage_collect(self(), [{type, Kind}])} end end),
    erlang:garbage_collect(Pid),
    erlang:trace(Pid, true, [garbage_collection]),
    Pid ! {collect, self()},
    receive {collected, true} -> ok end,
    Delivered = erlang:trace_delivered(Pid),
    tags(Delivered).

tags(Delivered) ->
    receive
        {trace, _, Tag, _} -> [Tag | tags(Delivered)];
        {trace_delivered, _, Delivered} -> []
    end.
