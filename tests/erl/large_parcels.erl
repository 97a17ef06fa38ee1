%% Terms of a megabyte and more that come from elsewhere (messages, decoded terms, objects of tables) and stay where they came while the heap
%% around them is collected. Built-in functions make them, in one step each, so that a collection at every allocation takes no longer than it should.
-module(large_parcels).
-export([main/0]).
-include("show.hrl").

%% Words of a list of so many elements: twice as many. A parcel of 1 << 17 words is adopted.
-define(MANY, 100000).

main() ->
    decoded(),
    with_binaries(),
    with_maps(),
    received(),
    one_after_the_other(),
    stored(),
    spawned(),
    hibernated(),
    limited().

%% {I rem 256, a, "x", Binary}, so many times.
encoded(N, Binary) ->
    <<$\203, Element/binary>> = term_to_binary({7, a, "xy", Binary, 1.5, 1 bsl 70}),
    <<$\203, $l, N:32, (binary:copy(Element, N))/binary, $j>>.

decoded() ->
    Encoded = encoded(20000, <<"short">>),
    Term = binary_to_term(Encoded),
    churn(30),
    ?SHOW({length(Term), hd(Term), lists:last(Term)}),
    ?SHOW(term_to_binary(Term) =:= Encoded),
    {Again, Used} = binary_to_term(<<Encoded/binary, "rest">>, [used]),
    ?SHOW({Used =:= byte_size(Encoded), Again =:= Term}),
    garbage_collect(),
    churn(30),
    ?SHOW({Again =:= Term, erlang:phash2(Again)}),
    ?SHOW(binary_to_term(term_to_binary(Term, [compressed])) =:= Term),
    ?SHOW(try binary_to_term(binary:part(Encoded, 0, byte_size(Encoded) - 1)) catch error:badarg -> badarg end).

%% Binaries off the heap live as long as the term does.
with_binaries() ->
    Large = binary:copy(<<"0123456789">>, 20),
    Term = binary_to_term(encoded(10000, Large)),
    churn(30),
    ?SHOW(lists:all(fun(T) -> element(4, T) =:= Large end, Term)),
    Few = lists:nthtail(9990, Term),
    garbage_collect(),
    ?SHOW([byte_size(element(4, T)) || T <- Few]),
    {binary, Binaries} = process_info(self(), binary),
    ?SHOW(length(Binaries) < 100).

with_maps() ->
    <<$\203, Pairs/binary>> = list_to_binary([$\203 | [[<<98, I:32, 100, 1:16, "v">>] || I <- lists:seq(1, 300)]]),
    Map = <<116, 300:32, Pairs/binary>>,
    Maps = binary_to_term(<<$\203, $l, 500:32, (binary:copy(Map, 500))/binary, $j>>),
    churn(30),
    ?SHOW({length(Maps), lists:sum([map_size(M) || M <- Maps]), maps:get(77, lists:last(Maps))}),
    garbage_collect(),
    ?SHOW(maps:get(300, lists:last(Maps))).

%% What refers to a term that has been adopted, and to a part of it.
received() ->
    Self = self(),
    {P, M} = spawn_monitor(fun() ->
        receive {first, A} -> ok end,
        churn(30),
        receive {second, B} -> ok end,
        churn(30),
        C = [x, lists:nthtail(?MANY - 3, A), tl(B) | B],
        churn(30),
        Self ! {self(), length(A), length(B), C =:= [x, "abc", tl(B) | A]},
        garbage_collect(),
        exit({lists:sum(A), tl(A) =:= tl(B), erlang:phash2(C)})
    end),
    List = binary_to_list(<<0:((?MANY - 3) * 8), "abc">>),
    P ! {first, List},
    P ! {second, List},
    ?SHOW(receive {P, A, B, C} -> {A, B, C} end),
    ?SHOW(receive {'DOWN', M, process, P, Reason} -> Reason end).

%% Most are dead by the time the next one comes: the memory does not grow with them.
one_after_the_other() ->
    Self = self(),
    P = spawn_link(fun() -> count(Self, 0) end),
    List = binary_to_list(<<0:(?MANY * 8)>>),
    [begin P ! {self(), List, I}, receive {P, I, 0} -> ok end end || I <- lists:seq(1, 60)],
    {memory, Memory} = process_info(P, memory),
    ?SHOW(Memory < 50 * 16 * ?MANY),
    P ! {self(), stop},
    ?SHOW(receive {P, stopped, N} -> N end).

count(To, N) ->
    receive
        {To, List, I} -> To ! {self(), I, hd(List)}, count(To, N + length(List));
        {To, stop} -> To ! {self(), stopped, N}
    end.

stored() ->
    [begin
        T = ets:new(t, [Type, public]),
        Tuple = list_to_tuple(binary_to_list(<<1, 0:(?MANY * 16), 2>>)),
        Binary = binary:copy(<<"large">>, 100),
        true = ets:insert(T, {key, Tuple, Binary}),
        [{key, Found, Binary}] = ets:lookup(T, key),
        churn(20),
        ?SHOW({Type, Found =:= Tuple, tuple_size(ets:lookup_element(T, key, 2))}),
        [{key, Taken, _}] = ets:take(T, key),
        churn(20),
        ?SHOW({ets:info(T, size), Taken =:= Found, element(2 * ?MANY + 2, Taken), ets:lookup(T, key)}),
        true = ets:insert(T, [{key, Tuple}, {small, 1}]),
        ?SHOW({ets:lookup(T, small), [tuple_size(E) || {key, E} <- ets:lookup(T, key)]}),
        true = ets:delete(T),
        %% Who looks while it is deleted finds nothing, or all.
        ets:insert(T2 = ets:new(t, [Type, public]), {key, Tuple}),
        Lookers = [spawn_monitor(fun() -> exit(try ets:lookup(T2, key) of [{key, E}] -> tuple_size(E); [] -> none catch error:badarg -> none end) end)
            || _ <- lists:seq(1, 5)],
        receive after 1 -> ets:delete(T2) end,
        ?SHOW([Seen || {L, M} <- Lookers, Seen <- [receive {'DOWN', M, process, L, S} -> S end], Seen =/= none, Seen =/= 2 * ?MANY + 2])
     end || Type <- [set, ordered_set]],
    T = ets:new(t, [duplicate_bag]),
    [ets:insert(T, {key, binary_to_list(<<I:(?MANY * 8)>>)}) || I <- [1, 2, 3]],
    Found = ets:lookup(T, key),
    churn(20),
    ?SHOW([{length(L), lists:last(L)} || {key, L} <- Found]),
    ?SHOW([length(L) || L <- ets:lookup_element(T, key, 2)]),
    ?SHOW(ets:take(T, key) =:= Found).

spawned() ->
    List = binary_to_list(<<1:(?MANY * 8)>>),
    {P, M} = spawn_monitor(fun() -> churn(30), exit(lists:sum(List)) end),
    ?SHOW(receive {'DOWN', M, process, P, Sum} -> Sum end),
    {P2, M2} = spawn_monitor(erlang, exit, [{length(List), [List]}]),
    ?SHOW(receive {'DOWN', M2, process, P2, {Length, [Same]}} -> {Length, Same =:= List} end).

%% A full sweep of everything, to a heap of its size, and back.
hibernated() ->
    Self = self(),
    P = spawn_link(fun() -> receive {list, L} -> erlang:hibernate(erlang, apply, [fun awake/2, [Self, L]]) end end),
    P ! {list, binary_to_list(<<2:(?MANY * 8)>>)},
    receive after 20 -> ok end,
    {memory, Memory} = process_info(P, memory),
    ?SHOW(Memory < 2 * 16 * ?MANY),
    P ! go,
    ?SHOW(receive {P, Sum} -> Sum end).

awake(To, List) ->
    receive go -> churn(20) end,
    To ! {self(), lists:sum(List)}.

%% The limit of a heap counts what has been adopted.
limited() ->
    {P, M} = spawn_opt(fun() -> receive L -> churn(300), exit(length(L)) end end,
                       [monitor, {max_heap_size, #{size => 150000, kill => true, error_logger => false}}]),
    P ! binary_to_list(<<2:(?MANY * 8)>>),
    ?SHOW(receive {'DOWN', M, process, P, Reason} -> Reason end).

%% Makes garbage, and a little that lives on for a while.
churn(N) -> churn(N, []).

churn(0, Kept) -> length(Kept);
churn(N, Kept) -> churn(N - 1, [list_to_tuple(lists:seq(1, 50 + N rem 7)) | lists:sublist(Kept, 10)]).
