%% Large terms that are copied in pieces: into tables, messages and processes, while others look, wait and end.
%% gcstress: small
-module(large_copies).
-export([main/0, main/1]).
-include("show.hrl").

main() -> main(100000).

main([small]) -> main(3000);
main(N) ->
    Keep = lists:seq(1, 20000),
    [inserts(Type, N) || Type <- [set, ordered_set, bag, duplicate_bag]],
    [new_ones(Type, N) || Type <- [set, ordered_set, bag, duplicate_bag]],
    [whole(Type, N) || Type <- [set, ordered_set, bag]],
    large_objects(N),
    changed(N),
    ended_tables(N),
    killed_inserters(N),
    messages(N),
    killed_senders(N),
    spawned(N),
    wrong(N),
    ?SHOW(length(Keep)).

table(Type) -> ets:new(table, [Type, public]).

%% Of a key in a table of one object a key, OTP inserts the first one of a long list and the last one of a short one.
objects(Type, N) when Type =:= set; Type =:= ordered_set -> [{I, [I], <<I:32>>} || I <- lists:seq(0, N - 1)];
objects(_, N) -> [{I rem (N div 2), [I], <<I:32>>} || I <- lists:seq(0, N - 1)].

%% The same objects as one by one. Those of one key are in the opposite order in OTP, if the list is long.
inserts(Type, N) ->
    Objects = objects(Type, N),
    {A, B} = {table(Type), table(Type)},
    true = ets:insert(A, Objects),
    [true = ets:insert(B, O) || O <- Objects],
    Of = fun(T) -> [lists:sort(ets:lookup(T, K)) || K <- lists:seq(0, 50)] end,
    ?SHOW({Type, ets:info(A, size), Of(A) =:= Of(B), lists:sort(ets:lookup(A, 7))}),
    ?SHOW(lists:sort(ets:tab2list(A)) =:= lists:sort(ets:tab2list(B))),
    true = ets:insert(A, Objects),
    ?SHOW({Type, ets:info(A, size), lists:sort(ets:lookup(A, 7))}),
    %% Deleted while it is fixed, and inserted again.
    ets:safe_fixtable(A, true),
    [ets:delete(A, K) || K <- lists:seq(0, 20)],
    true = ets:insert(A, Objects),
    ets:safe_fixtable(A, false),
    ?SHOW({Type, ets:info(A, size), lists:sort(ets:lookup(A, 7))}).

new_ones(Type, N) ->
    T = table(Type),
    Objects = [{I, [I]} || I <- lists:seq(1, N)],
    ?SHOW(ets:insert_new(T, Objects)),
    ?SHOW(ets:insert_new(T, [{I, x} || I <- lists:seq(N + 1, 2 * N)] ++ [{5, x}])),
    ?SHOW(ets:info(T, size)),
    ?SHOW(ets:insert_new(T, [{I, x} || I <- lists:seq(N + 1, 2 * N)])),
    ?SHOW({ets:info(T, size), ets:lookup(T, 5), ets:lookup(T, N + 1)}),
    ?SHOW(ets:insert_new(T, {large, Objects})),
    ?SHOW(ets:insert_new(T, {large, Objects})),
    ?SHOW(length(ets:lookup_element(T, large, 2))).

%% Nobody sees some of the objects. (Who has begun to select may.)
whole(Type, N) ->
    T = table(Type),
    Looks = [fun() -> ets:info(T, size) end,
             fun() -> length([K || K <- [1, N div 2, N], ets:member(T, K)]) end],
    Lookers = [spawn_monitor(fun() -> process_flag(priority, P), exit(until_other(Look, 0)) end) || Look <- Looks, P <- [normal, high]],
    [receive after 1 -> ok end || _ <- [1, 2]],
    true = ets:insert(T, [{I, [I]} || I <- lists:seq(1, N)]),
    ?SHOW([receive {'DOWN', M, process, _, Seen} -> Seen div (N div 3) end || {_, M} <- Lookers]).

until_other(Look, Seen) ->
    case Look() of
        Seen -> receive after 1 -> until_other(Look, Seen) end;
        Other -> Other
    end.

large_objects(N) ->
    T = table(set),
    Large = [{I, float(I), <<I:2000>>} || I <- lists:seq(1, N div 10)],
    true = ets:insert(T, {large, Large, self()}),
    ?SHOW(ets:lookup(T, large) =:= [{large, Large, self()}]),
    true = ets:insert(T, {large, Large, Large}),
    ?SHOW(ets:lookup(T, large) =:= [{large, Large, Large}]),
    true = ets:insert(T, [{I, Large} || I <- lists:seq(1, 3)]),
    ?SHOW([ets:lookup_element(T, I, 2) =:= Large || I <- lists:seq(1, 3)]),
    true = ets:insert(T, {large, small}),
    ?SHOW(ets:lookup(T, large)).

%% Parts of what is stored, and new ones.
changed(N) ->
    T = table(set),
    Large = lists:seq(1, N),
    true = ets:insert(T, {key, {part, Large}, 0}),
    Self = self(),
    Others = [spawn_link(fun() -> [ets:update_counter(T, key, {3, 1}) || _ <- lists:seq(1, 20)], Self ! {done, self()} end) || _ <- [1, 2]],
    [true = ets:update_element(T, key, {2, {part, [I | Large]}}) || I <- lists:seq(1, 10)],
    [receive {done, P} -> ok end || P <- Others],
    ?SHOW(ets:lookup(T, key) =:= [{key, {part, [10 | Large]}, 40}]),
    true = ets:update_element(T, key, [{2, Large}, {3, Large}]),
    ?SHOW(ets:lookup(T, key) =:= [{key, Large, Large}]),
    ?SHOW(ets:update_element(T, none, {2, Large})).

%% A table that ends meanwhile.
ended_tables(N) ->
    Objects = [{I, [I]} || I <- lists:seq(1, N)],
    Ends = [begin
        Self = self(),
        Owner = spawn(fun() -> Self ! {table, table(set)}, receive stop -> ok end end),
        T = receive {table, Table} -> Table end,
        erlang:send_after(Time, Owner, stop),
        insert_until(T, Objects)
     end || Time <- [0, 1, 2, 5]],
    ?SHOW(Ends).

insert_until(T, Objects) ->
    try ets:insert(T, Objects) of
        true -> insert_until(T, Objects)
    catch
        error:badarg -> ended
    end.

%% All or nothing.
killed_inserters(N) ->
    Objects = [{I, [I]} || I <- lists:seq(1, N)],
    Sizes = [begin
        T = table(Type),
        {P, M} = spawn_monitor(fun() -> ets:insert(T, Objects), receive stop -> ok end end),
        receive after Time -> exit(P, kill) end,
        %% At once: the process may have to finish first.
        Size = ets:info(T, size),
        receive {'DOWN', M, process, P, Reason} -> Reason end,
        Size = ets:info(T, size),
        true = ets:insert(T, {0, x}),
        {Reason, Size =:= 0 orelse Size =:= N}
     end || Type <- [set, ordered_set, bag], Time <- lists:seq(0, 20)],
    ?SHOW(lists:usort(Sizes)).

messages(N) ->
    Large = [{I, float(I), <<I:2000>>, fun() -> I end} || I <- lists:seq(1, N div 10)],
    [begin
        {P, M} = spawn_opt(fun() ->
            receive {first, F} -> receive {second, S} -> exit({F =:= S, length(F)}) end end
        end, [monitor, {message_queue_data, Where}]),
        P ! {second, Large},
        P ! {first, Large},
        ?SHOW(receive {'DOWN', M, process, P, Reason} -> Reason end)
     end || Where <- [on_heap, off_heap]],
    register(large_copies, self()),
    {_, M} = spawn_monitor(fun() -> large_copies ! {named, Large}, erlang:send(large_copies, {sent, Large}), large_copies ! done end),
    ?SHOW([receive {named, L} -> length(L) end, receive {sent, L2} -> length(L2) end]),
    receive done -> unregister(large_copies) end,
    receive {'DOWN', M, process, _, normal} -> ok end,
    Alias = alias([reply]),
    spawn_link(fun() -> Alias ! {alias, lists:seq(1, N)}, Alias ! {alias, again} end),
    ?SHOW(receive {alias, A} -> length(A) end),
    {Gone, G} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', G, process, Gone, _} -> ok end,
    ?SHOW(length(element(2, Gone ! {gone, Large}))),
    self() ! {own, Large},
    ?SHOW(receive {own, Own} -> Own =:= Large end).

%% A message is there whole or not at all.
killed_senders(N) ->
    Large = lists:seq(1, N),
    Self = self(),
    Got = [begin
        {P, M} = spawn_monitor(fun() -> send(Self, Large) end),
        receive after Time -> exit(P, kill) end,
        receive {'DOWN', M, process, P, Reason} -> Reason end,
        {Reason, lists:usort(flush())}
     end || Time <- [1, 2, 4, 8]],
    ?SHOW(lists:usort([R || {R, _} <- Got])),
    ?SHOW(lists:usort(lists:append([L || {_, L} <- Got]) -- [N])).

send(To, Large) ->
    To ! {large, Large},
    receive after 0 -> send(To, Large) end.

flush() ->
    receive {large, L} -> [length(L) | flush()] after 0 -> [] end.

spawned(N) ->
    Large = lists:seq(1, N),
    Self = self(),
    P1 = spawn_link(fun() -> Self ! {self(), lists:sum(Large)} end),
    ?SHOW(receive {P1, S1} -> S1 =:= lists:sum(Large) end),
    P2 = spawn_link(erlang, send, [Self, {sum, Large, <<0:8000>>}]),
    ?SHOW(receive {sum, L2, B} -> {is_pid(P2), length(L2) =:= N, byte_size(B)} end),
    {P3, M3} = spawn_opt(fun() -> exit(length(Large) - N) end, [monitor, {min_heap_size, 100000}]),
    ?SHOW(receive {'DOWN', M3, process, P3, R3} -> R3 end),
    R = spawn_request(fun() -> exit(length(Large) - N) end, [monitor]),
    P4 = receive {spawn_reply, R, ok, Pid} -> Pid end,
    ?SHOW(receive {'DOWN', R, process, P4, R4} -> R4 end).

wrong(N) ->
    T = table(set),
    Objects = [{I, [I]} || I <- lists:seq(1, N)],
    ?SHOW([try ets:F(T, L) catch error:badarg -> badarg end
        || F <- [insert, insert_new], L <- [Objects ++ [x], Objects ++ x, Objects ++ [{}], [Objects], {}, [{}]]]),
    ?SHOW(ets:info(T, size)).
