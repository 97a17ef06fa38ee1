%% `receive` with nothing but `after`: messages do not end it, whatever the time and wherever it stands; and code of a
%% compiler that leaves jumps and shared failures in place.
-module(after_alone).
-export([main/0, wait/1]).
-compile([no_postopt, no_ssa_opt, no_copt]).
-include("show.hrl").

main() ->
    ?SHOW([disturbed(Time) || Time <- [300, infinity]]),
    ?TRY(wait(id(soon))),
    ?TRY(wait(id(-1))),
    ?SHOW(wait(id(0))),
    ?TRY(shared(id({a, 1}), id([{a, 2}]))),
    ?TRY(shared(id({b, 1}), id([{a, 2}]))),
    ?TRY(shared(id({a, 1}), id([{b, 2}]))),
    ?TRY(shared(id({a, 1}), id(none))),
    ?TRY(caught(id({a, 1}), id({b, 2}))),
    ?TRY(caught(id({c, 1}), id({b, 2}))),
    ?TRY(caught(id({a, 1}), id({c, 2}))).


wait(Time) -> receive after Time -> over end.

%% What becomes of a process that waits, while messages come and its registers are used by others.
disturbed(Time) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit(wait(Time)) end),
    [begin
         id(lists:seq(1, N)),
         Pid ! {N, disturbs},
         erlang:yield()
     end || N <- lists:seq(1, 50)],
    receive
        {'DOWN', Monitor, process, Pid, Why} -> Why
    after 1000 ->
            exit(Pid, kill),
            receive {'DOWN', Monitor, process, Pid, Why} -> {waits, Why} end
    end.

%% Matches that fail inside and outside of a handler.
shared(One, Others) ->
    {a, X} = One,
    Y = try
            [{a, Z}] = Others,
            Z
        catch
            error:{badmatch, [_]} -> {a, W} = hd(Others), W
        end,
    {a, V} = try id(One) after id(done) end,
    {X, Y, V}.

caught(One, Other) ->
    First = (catch begin {a, X} = One, X end),
    Second = (catch begin {b, Y} = Other, {a, _} = One, Y end),
    {c, Third} = try {c, First} of {c, T} -> {a, _} = One, {c, T} catch error:_ -> {c, failed} after {b, _} = Other end,
    {First, Second, Third}.
