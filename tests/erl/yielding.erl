%% Long built-in functions let others run, and can be ended in the middle.
%%
%% Beside each call a process counts its own turns; a call of more than a turn is one during which it had some.
%%
%% gcstress: small
-module(yielding).
-export([main/0, main/1, count/1, forever/1, id/1]).

id(X) -> X.

main() -> main(100000).

main([small]) -> main(20);
main(Size) ->
    Counter = counters:new(1, []),
    Beside = spawn(?MODULE, count, [Counter]),
    lists:foreach(fun({Name, Make}) -> try_one(Name, Make(Size), Counter, Size) end, calls()),
    exit(Beside, kill),
    changes(Size),
    deleted(Size),
    erlang:display(done).

%% The name of a call, and what makes it.
calls() ->
    [{term_to_binary, fun(N) -> T = terms(N), fun() -> byte_size(term_to_binary(T)) end end},
     {term_to_binary_of_binary, fun(N) -> B = bytes(40 * N), fun() -> byte_size(term_to_binary([B])) end end},
     {term_to_iovec, fun(N) -> T = terms(N), fun() -> iolist_size(erlang:term_to_iovec(T)) end end},
     {binary_to_term, fun(N) -> B = term_to_binary(terms(N)), fun() -> length(binary_to_term(B)) end end},
     {length, fun(N) -> L = seq(6 * N), fun() -> length(L) end end},
     {append, fun(N) -> L = seq(6 * N), fun() -> length(L ++ [x]) end end},
     {reverse, fun(N) -> L = seq(6 * N), fun() -> hd(lists:reverse(L, [])) end end},
     {member, fun(N) -> L = seq(6 * N), fun() -> lists:member(x, L) end end},
     {keyfind, fun(N) -> T = terms(2 * N), fun() -> lists:keyfind(x, 2, T) end end},
     {subtract, fun(N) -> L = seq(N), M = seq(N div 2), fun() -> length(L -- M) end end},
     {list_to_binary, fun(N) -> L = binary_to_list(bytes(8 * N)), fun() -> byte_size(list_to_binary(L)) end end},
     {iolist_to_binary, fun(N) -> L = [[bytes(3), I band 255] || I <- seq(N)], fun() -> byte_size(iolist_to_binary(L)) end end},
     {binary_to_list, fun(N) -> B = bytes(8 * N), fun() -> length(binary_to_list(B)) end end},
     {binary_copy, fun(N) -> B = bytes(N), fun() -> byte_size(binary:copy(B, 500)) end end},
     {binary_matches, fun(N) -> B = bytes(20 * N), fun() -> length(binary:matches(B, <<7>>)) end end},
     {binary_split, fun(N) -> B = bytes(20 * N), fun() -> length(binary:split(B, <<7>>, [global])) end end},
     {md5, fun(N) -> B = bytes(40 * N), fun() -> erlang:md5(B) end end},
     {crc32, fun(N) -> B = bytes(40 * N), fun() -> erlang:crc32(B) end end},
     {adler32, fun(N) -> B = bytes(40 * N), fun() -> erlang:adler32(B) end end},
     {phash2, fun(N) -> T = terms(N), fun() -> erlang:phash2(T) end end},
     {re_run, fun(N) -> B = <<(binary:copy(<<"xxab">>, N))/binary, "y">>, fun() -> re:run(B, <<"(x|xx)+y">>) end end}]
    ++ [{{ets, Type, Name}, fun(N) -> T = table(Type, N), fun() -> Call(T, N) end end}
        || Type <- [set, bag, ordered_set], {Name, Call} <- ets_calls()].

ets_calls() ->
    [{select, fun(T, N) -> lists:sort(ets:select(T, [{{'$1', '_', '_'}, [{'>', '$1', N - 3}], ['$1']}])) end},
     {select_reverse, fun(T, N) -> lists:sort(ets:select_reverse(T, [{{'$1', '_', '_'}, [{'>', '$1', N - 3}], ['$1']}])) end},
     {select_limit, fun(T, N) -> {L, _} = ets:select(T, [{{'$1', '_', '_'}, [{'>', '$1', N - 3}], ['$1']}], 10), lists:sort(L) end},
     {select_count, fun(T, N) -> ets:select_count(T, [{{'$1', '_', '_'}, [{'>', '$1', N - 3}], [true]}]) end},
     {match_object, fun(T, _) -> ets:match_object(T, {'_', '_', [a, 1.0]}) end},
     {tab2list, fun(T, _) -> length(ets:tab2list(T)) end},
     {select_delete, fun(T, N) -> ets:select_delete(T, [{{'$1', '_', '_'}, [{'>', '$1', N}], [true]}]) end}].

table(Type, N) ->
    T = ets:new(table, [Type, public]),
    lists:foreach(fun(Object) -> ets:insert(T, Object) end, terms(N)),
    T.

%% Tables change and go while somebody looks through them.
changes(Size) ->
    lists:foreach(
      fun(Type) ->
              T = table(Type, Size),
              Half = Size div 2,
              Changer = spawn_link(fun() -> changer(T, 0, Half) end),
              Counts = [ets:select_count(T, [{{'$1', '_', '_'}, [{'>', '$1', Half}], [true]}]) || _ <- seq(5)],
              unlink(Changer),
              exit(Changer, kill),
              %% What nobody touches is seen once.
              erlang:display({Type, lists:usort(Counts) =:= [Size - Half]}),
              {Pid, Monitor} = spawn_monitor(fun() -> forever(fun() -> ets:select_count(T, [{{'$1', '_', '_'}, [{'<', '$1', 0}], [true]}]) end) end),
              erlang:yield(), erlang:yield(),
              true = ets:delete(T),
              receive {'DOWN', Monitor, process, Pid, {Reason, _}} -> erlang:display({Type, Reason, ets:info(T)}) end
      end, [set, bag, ordered_set]).

%% Inserts and deletes small keys for ever.
changer(T, I, Half) ->
    ets:delete(T, I rem Half + 1),
    ets:insert(T, {-I, <<>>, []}),
    ets:delete(T, -(I - 100)),
    erlang:yield(),
    changer(T, I + 1, Half).

%% Tables that are deleted, or end with their owner, are gone at once.
deleted(Size) ->
    T = table(set, Size),
    true = ets:delete_all_objects(T),
    erlang:display({ets:info(T, size), ets:insert(T, {1, 2, 3}), ets:lookup(T, 1)}),
    U = table(ordered_set, Size),
    true = ets:delete(U),
    erlang:display(ets:info(U)),
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() -> Self ! {table, table(bag, Size)} end),
    V = receive {table, Table} -> Table end,
    receive {'DOWN', Monitor, process, Pid, normal} -> erlang:display(ets:info(V)) end.

try_one(Name, Call, Counter, Size) ->
    erlang:yield(),
    Before = counters:get(Counter, 1),
    Value = Call(),
    Turns = counters:get(Counter, 1) - Before,
    %% Little work need not take more than a turn.
    erlang:display({Name, Value, Turns > 0 orelse Size < 1000}),
    killed(Name, Call).

%% Whoever is killed in the middle is gone at once, and the others are told.
killed(Name, Call) ->
    {Pid, Monitor} = spawn_monitor(?MODULE, forever, [Call]),
    erlang:yield(), erlang:yield(), erlang:yield(),
    Pid ! a_message,
    exit(Pid, kill),
    Alive = is_process_alive(Pid),
    receive
        {'DOWN', Monitor, process, Pid, Reason} ->
            erlang:display({Name, Alive, Reason})
    end.

forever(Call) ->
    _ = Call(),
    forever(Call).

count(Counter) ->
    counters:add(Counter, 1, 1),
    erlang:yield(),
    count(Counter).

terms(N) -> [{I, <<I:64>>, [a, I / 2]} || I <- seq(N)].

bytes(N) -> list_to_binary([I band 255 || I <- seq(N)]).

seq(N) -> seq(N, []).
seq(0, L) -> L;
seq(N, L) -> seq(N - 1, [N | L]).
