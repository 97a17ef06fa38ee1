%% Stack traces: frames, arities, arguments, file and line of every entry.
%%
%% Each case runs in a process of its own, so that the trace ends where the
%% case begins and not in the machine's own start-up code.
-module(stacktraces).
-export([main/0, run/1, exported/1]).
-include("show.hrl").

main() ->
    [case_of(Name) || Name <- [function_clause, badmatch, case_clause, if_clause, try_clause,
                               badarith, undef, undef_local_module, badarg_bif, badarg_guard_bif,
                               badfun, badarity, badmap, badkey, tail_call, body_call, thrown, exited,
                               explicit_args, explicit_stack, in_fun, in_comprehension,
                               through_lists_map, apply_undef, catch_stack, rethrown,
                               after_keeps_stack, exported_clause, deep, fun_in_tail,
                               bad_fun_in_tail, bad_arity_in_tail, undef_fun_in_tail, apply_fun_in_tail,
                               error_in_tail, error_applied_in_tail, error_applied_twice, error_applied_hidden, throw_in_tail,
                               exit_in_tail, error_fun_in_tail, hd_in_tail, apply_improper,
                               apply_improper_twice, raised_long, raised_joined]],
    [begin erlang:system_flag(backtrace_depth, Depth), case_of(deep) end || Depth <- [0, 1, 2, 12, 64, 100]],
    [begin erlang:system_flag(backtrace_depth, Depth), erlang:display(depth_of_current()) end || Depth <- [0, 1]],
    erlang:display(erlang:system_flag(backtrace_depth, 8)),
    ok.

%% Where a process is takes no more entries than the trace of an exception, and at a depth of 0 none.
depth_of_current() ->
    {current_stacktrace, Entries} = process_info(self(), current_stacktrace),
    length(Entries).

case_of(Name) ->
    {_, Monitor} = spawn_monitor(?MODULE, run, [Name]),
    receive {'DOWN', Monitor, process, _, normal} -> ok end.

run(Name) ->
    try do(Name)
    catch Class:Reason:Stack ->
            erlang:display({Name, Class, Reason}),
            [erlang:display({'  at', Entry}) || Entry <- trace(Name, Stack)]
    end.

%% OTP's native code leaves the caller twice in the trace of a bad call of a
%% fun (the failed call and its return address); its interpreter does not.
trace(Name, [Entry, Entry | Rest]) when Name =:= badfun; Name =:= badarity -> [Entry | Rest];
trace(_, Stack) -> Stack.

do(function_clause) ->
    clause(id(2), id([arg])) + 1;
do(badmatch) ->
    {ok, _} = id(error),
    ok;
do(case_clause) ->
    case id(something) of
        nothing -> ok
    end;
do(if_clause) ->
    True = id(true),
    if
        not True -> ok
    end;
do(try_clause) ->
    try id(value) of
        other -> ok
    catch
        _:_ -> caught
    end;
do(badarith) ->
    id(1) + id(a),
    ok;
do(undef) ->
    lists:undefined_function(id(1), two),
    ok;
do(undef_local_module) ->
    ?MODULE:not_exported(id(1)),
    ok;
do(badarg_bif) ->
    X = atom_to_list(id(42)),
    [X];
do(badarg_guard_bif) ->
    X = element(id(5), id({a, b})),
    [X];
do(badfun) ->
    X = (id(not_a_fun))(1),
    [X];
do(badarity) ->
    try (id(fun(X) -> X end))(1, 2)
    catch error:{badarity, {_, Args}}:Stack -> erlang:raise(error, {badarity, Args}, Stack)
    end;
do(badmap) ->
    (id([not_a_map]))#{a => 1};
do(badkey) ->
    X = maps:get(id(key), #{other => value}),
    [X];
do(tail_call) ->
    tail_1(id(1));
do(body_call) ->
    body_1(id(1)) + 1;
do(thrown) ->
    throw(id(ball));
do(exited) ->
    exit(id(bye));
do(explicit_args) ->
    error(id(reason), [a, "b", 3]);
do(explicit_stack) ->
    erlang:raise(error, id(reason), [{some, where, 3, [{file, "some.erl"}, {line, 99}]}, {other, place, [x], []}]);
do(in_fun) ->
    F = fun(X) -> 1 / X end,
    [F(id(0))];
do(in_comprehension) ->
    [10 div X || X <- id([1, 2, 0])];
do(through_lists_map) ->
    lists:map(fun(X) -> {ok, Y} = X, Y end, id([{ok, 1}, {error, 2}]));
do(apply_undef) ->
    [apply(id(no_such_module), id(f), id([1, 2]))];
do(catch_stack) ->
    {'EXIT', {badarith, Stack}} = (catch id(x) * 2),
    erlang:display({catch_stack, hd(Stack)});
do(rethrown) ->
    try body_1(id(1)) + 1
    catch
        C:R:S -> erlang:raise(C, {again, R}, S)
    end;
do(after_keeps_stack) ->
    try
        body_1(id(1)) + 1
    after
        catch id(1) div id(0)
    end;
do(exported_clause) ->
    [?MODULE:exported(id(7))];
do(deep) ->
    recurse(id(20));

%% A call of a fun in a tail leaves nothing behind; a function that raises what its caller wants shows it.
do(fun_in_tail) ->
    [fun_in_tail(fun(X) -> {ok, Y} = X, Y end, id(x))];
do(bad_fun_in_tail) ->
    [fun_in_tail(id(not_a_fun), id(x))];
do(bad_arity_in_tail) ->
    try fun_in_tail(fun() -> id(1) end, id(x))
    catch error:{badarity, {_, Args}}:Stack -> erlang:raise(error, {badarity, Args}, Stack)
    end;
do(undef_fun_in_tail) ->
    [fun_in_tail(fun ?MODULE:not_exported/1, id(x))];
do(apply_fun_in_tail) ->
    [apply_in_tail(fun(X) -> {ok, Y} = X, Y end, id([x]))];
do(error_in_tail) ->
    [in_tail(id(error), id(x))];
do(error_applied_in_tail) ->
    [apply_in_tail(id(error), id([x, [a, b]]))];
do(error_applied_twice) ->
    [apply_in_tail(id(apply), id([erlang, error, [x]]))];
do(error_applied_hidden) ->
    [applied_in_tail(id(erlang), id(apply), id([erlang, apply, [erlang, error, [x]]]))];
do(throw_in_tail) ->
    [in_tail(id(throw), id(x))];
do(exit_in_tail) ->
    [apply_in_tail(id(exit), id([x]))];
do(error_fun_in_tail) ->
    [fun_in_tail(fun erlang:error/1, id(x))];
do(hd_in_tail) ->
    [in_tail(id(hd), id(x))];
do(apply_improper) ->
    [apply(id(erlang), id(hd), id([1 | 2]))];
do(apply_improper_twice) ->
    [apply(erlang, apply, id([erlang, apply, [erlang, hd, [1 | 2]]]))];
%% No trace is longer than eight entries.
do(raised_long) ->
    erlang:raise(error, long, [{some, where, N} || N <- lists:seq(1, id(20))]);
do(raised_joined) ->
    try body_1(id(1)) + 1
    catch
        C:R:S -> erlang:raise(C, R, S ++ S)
    end.

fun_in_tail(F, X) -> id(X), F(X).

in_tail(F, X) -> id(X), erlang:F(X).

apply_in_tail(F, X) when is_atom(F) -> apply(erlang, F, X);
apply_in_tail(F, X) -> id(X), apply(F, X).

clause(1, _) -> ok.

exported(1) -> ok.

tail_1(X) -> tail_2(X, second).

tail_2(X, Y) -> error({tail, X, Y}).

body_1(X) ->
    Y = body_2(X),
    Y + 1.

body_2(X) ->
    Y = body_3(X),
    Y + 1.

body_3(X) ->
    fail_if(X, {body, X}).

%% Fails always, but so that the compiler does not see it: a call of a function
%% that can only fail would become a tail call.
fail_if(X, Reason) ->
    case id(X) of
        never -> 0;
        _ -> error(Reason)
    end.

applied_in_tail(M, F, Args) ->
    apply(M, F, Args).

%% Deeper than the eight entries that a trace keeps; the same return address
%% twice in a row is one entry, so two functions take turns.
recurse(0) -> fail_if(0, bottom);
recurse(N) -> 1 + recurse_back(N).

recurse_back(N) -> 2 * recurse(N - 1).
