%% Large tables that end: with their owner in slices, by delete/1 and delete_all_objects/1 with turns of others between; who learns of it when.
-module(ets_ends).
-export([main/0, main/1]).
-include("show.hrl").

%% gcstress: small
main() -> main([large]).

main([Size]) ->
    N = case Size of large -> 60000; small -> 8000 end,
    [owner(Kind, Fix, N) || Kind <- [set, ordered_set, bag], Fix <- [false, true]],
    [killed(Kind, N) || Kind <- [set, ordered_set]],
    many_tables(N div 20),
    heirs(N),
    names(N),
    [deleted(Kind, N, Size) || Kind <- [set, ordered_set]],
    kept(N),
    named_continuation(),
    end_of_table().

fill(T, N) -> fill(T, N, 1).

fill(_, N, I) when I > N -> ok;
fill(T, N, I) -> ets:insert(T, {I, I}), fill(T, N, I + 1).

empty(_, 0) -> ok;
empty(T, N) -> ets:delete(T, N), empty(T, N - 1).

%% What a tracer is told of the end of the process that `Fun` is run by, in short; and that it has no tables when others learn of its end.
ending(Fun, End) ->
    Self = self(),
    Pid = spawn(fun() -> process_flag(trap_exit, true), Self ! {tables, Fun()}, receive go -> exit(End) end end),
    Tables = receive {tables, T} -> T end,
    erlang:trace(Pid, true, [exiting]),
    Ref = monitor(process, Pid),
    case End of
        kill -> exit(Pid, kill);
        _ -> Pid ! go
    end,
    receive {'DOWN', Ref, process, Pid, Reason} -> ok end,
    Gone = [ets:info(Table) || Table <- Tables],
    {Reason, lists:usort(Gone), events(Pid, 0)}.

%% Whether it stopped on its way, and came back each time.
events(Pid, N) ->
    receive
        {trace, Pid, out_exiting, 0} -> receive {trace, Pid, in_exiting, 0} -> events(Pid, N + 1) end;
        {trace, Pid, out_exited, 0} -> {stopped, N >= 2}
    end.

owner(Kind, Fix, N) ->
    Made = fun() ->
                   T = ets:new(t, [Kind, public]),
                   ets:safe_fixtable(T, Fix),
                   fill(T, N),
                   Fix andalso empty(T, N),
                   [T]
           end,
    case {Kind, Fix} of
        %% What is deleted from an ordered set is gone at once.
        {ordered_set, true} -> ?SHOW({Kind, Fix, element(1, ending(Made, normal))});
        _ -> ?SHOW({Kind, Fix, ending(Made, normal)})
    end.

killed(Kind, N) ->
    ?SHOW({Kind, ending(fun() -> T = ets:new(t, [Kind]), fill(T, N), [T] end, kill)}).

many_tables(N) ->
    ?SHOW(ending(fun() -> [begin T = ets:new(t, [public]), fill(T, 5), T end || _ <- lists:seq(1, N)] end, normal)).

%% An heir gets its table before it learns that the owner has ended.
heirs(N) ->
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
                                       A = ets:new(a, [{heir, Self, mine}]),
                                       B = ets:new(b, []),
                                       fill(A, N),
                                       fill(B, N)
                               end),
    First = receive First0 -> First0 end,
    ?SHOW({element(1, First), element(4, First), ets:info(element(2, First), size)}),
    receive {'DOWN', Ref, process, Pid, Reason} -> ?SHOW(Reason) end,
    ets:delete(element(2, First)).

%% A name is free when the owner has ended.
names(N) ->
    {Pid, Ref} = spawn_monitor(fun() -> register(ets_ends, self()), fill(ets:new(ets_ends, [named_table]), N) end),
    receive {'DOWN', Ref, process, Pid, normal} -> ok end,
    ?SHOW({ets:whereis(ets_ends), whereis(ets_ends)}),
    ?SHOW(ets:new(ets_ends, [named_table])),
    ets:delete(ets_ends).

%% How often others run in the middle of a deletion, and where the process is then.
deleted(Kind, N, Size) ->
    Self = self(),
    Run = fun(Function, Place) ->
                  T = ets:new(t, [Kind]),
                  fill(T, N),
                  Tracer = spawn(fun() -> trapped(Self, Place, 0) end),
                  erlang:trace(Self, true, [running, {tracer, Tracer}]),
                  ets:Function(T),
                  erlang:trace(Self, false, [running]),
                  Tracer ! {done, Self},
                  receive {outs, Outs} -> Outs >= 2 orelse Size =:= small end
          end,
    ?SHOW({Kind, Run(delete, {ets, delete_trap, 1}), Run(delete_all_objects, {ets, internal_delete_all, 2})}).

trapped(Of, Place, N) ->
    receive
        {trace, Of, out, Place} -> trapped(Of, Place, N + 1);
        {trace, Of, _, _} -> trapped(Of, Place, N);
        {done, Of} -> Of ! {outs, N}
    end.

%% Objects that a fixed table keeps.
kept(N) ->
    T = ets:new(t, []),
    fill(T, N),
    ets:safe_fixtable(T, true),
    ?SHOW(element(7, ets:info(T, stats))),
    ?SHOW(begin empty(T, 100), element(7, ets:info(T, stats)) end),
    First = ets:first(T),
    ?SHOW(ets:delete_all_objects(T)),
    ?SHOW({element(7, ets:info(T, stats)) =:= N, ets:info(T, size), ets:next(T, First)}),
    ?SHOW(ets:safe_fixtable(T, false)),
    ?SHOW({element(7, ets:info(T, stats)), ets:info(T, size), tuple_size(ets:info(T, stats))}),
    ets:delete(T).

%% A continuation goes with the table, not with its name.
named_continuation() ->
    T = ets:new(ets_ends, [named_table]),
    fill(T, 3),
    {[_], Old} = ets:select(T, [{{'$1', '_'}, [], ['$1']}], 1),
    {[_], Match} = ets:match(T, {'$1', '_'}, 1),
    ets:delete(T),
    ?TRY(ets:select(Old)),
    ets:new(ets_ends, [named_table]),
    ?TRY(ets:select(Old)),
    ?TRY(ets:match(Match)),
    fill(ets_ends, 3),
    {[A, B], New} = ets:select(ets_ends, [{{'$1', '_'}, [], ['$1']}], 2),
    ets:rename(ets_ends, ets_ends_renamed),
    {[C], End} = ets:select(New),
    ?SHOW({A + B + C, End}),
    ets:delete(ets_ends_renamed).

%% The atom for the end as a key.
end_of_table() ->
    [begin
         T = ets:new(t, [Kind]),
         ets:insert(T, [{a}, {z}]),
         ?TRY({Kind, ets:next(T, '$end_of_table')}),
         ?TRY({Kind, ets:prev(T, '$end_of_table')}),
         ets:insert(T, {'$end_of_table'}),
         Kind =:= ordered_set andalso ?TRY({Kind, ets:next(T, '$end_of_table')}),
         %% Keys that a replacement may not keep.
         ?TRY(ets:select_replace(T, [{{#{}}, [], [{{#{}}}]}])),
         ?TRY(ets:select_replace(T, [{{#{a => '$1'}}, [], [{{#{a => '$1'}}}]}])),
         ets:delete(T)
     end || Kind <- [set, ordered_set]].
