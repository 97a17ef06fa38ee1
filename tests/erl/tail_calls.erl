%% Tail calls in every position run in constant space: millions of them.
%% gcstress: small
-module(tail_calls).
-export([main/0, main/1, external/2, hop/3]).
-include("show.hrl").

main() -> run(1000000).

main([small]) -> run(1000).

run(N) ->
    ?SHOW(loop(N, 0)),
    ?SHOW(is_even(N)),
    ?SHOW(in_case(N, 0)),
    ?SHOW(in_if(N)),
    ?SHOW(external(N, 0)),
    ?SHOW(hop(N, ?MODULE, hop)),
    ?SHOW(through_fun(N, fun(X) -> X - 1 end)),
    ?SHOW(fun_loop(N)),
    ?SHOW(fun_behind_call(N, fun fun_behind_call/2)),
    ?SHOW(fun_in_frame(N, [1, 2, 3], fun fun_in_frame/3)),
    ?SHOW(fun_applied(N, fun fun_applied/2)),
    ?SHOW(in_receive(N div 10)),
    ?SHOW(state_machine(N, idle, 0)),
    ?SHOW(swap(N, a, b)),
    ?SHOW(rotate(N, 1, 2, 3, 4, 5, 6)),
    ?SHOW(in_catch_of(N div 10)),
    {stack_size, Size} = process_info(self(), stack_size),
    ?SHOW(Size < 100).

loop(0, Acc) -> Acc;
loop(N, Acc) -> loop(N - 1, Acc + N).

is_even(0) -> true;
is_even(N) -> is_odd(N - 1).

is_odd(0) -> false;
is_odd(N) -> is_even(N - 1).

in_case(N, Acc) ->
    case N of
        0 -> Acc;
        _ when N rem 2 =:= 0 -> in_case(N - 1, Acc + 1);
        _ -> in_case(N - 1, Acc)
    end.

in_if(N) -> if N > 0 -> in_if(N - 1); true -> done end.

external(0, Acc) -> Acc;
external(N, Acc) -> ?MODULE:external(N - 1, Acc + 1).

hop(0, _, F) -> F;
hop(N, M, F) -> M:F(N - 1, M, F).

through_fun(0, _) -> done;
through_fun(N, F) -> through_fun(F(N), F).

fun_loop(N) ->
    Loop = fun Self(0, Acc) -> Acc; Self(I, Acc) -> Self(I - 1, Acc + I) end,
    Loop(N, 0).

%% These need a frame, which is gone when the fun runs.
fun_behind_call(0, _) -> done;
fun_behind_call(N, F) ->
    M = id(N) - 1,
    F(M, F).

fun_in_frame(0, L, _) -> L;
fun_in_frame(N, L, F) ->
    [H | T] = id(L),
    K = id(T) ++ [H],
    F(N - 1, K, F).

fun_applied(0, _) -> done;
fun_applied(N, F) ->
    L = [id(N) - 1, F],
    apply(F, L).

in_receive(0) -> done;
in_receive(N) ->
    self() ! {count, N},
    receive {count, N} -> in_receive(N - 1) end.

state_machine(0, State, Count) -> {State, Count};
state_machine(N, idle, Count) -> state_machine(N - 1, running, Count);
state_machine(N, running, Count) -> state_machine(N - 1, stopping, Count + 1);
state_machine(N, stopping, Count) -> state_machine(N - 1, idle, Count).

swap(0, A, B) -> {A, B};
swap(N, A, B) -> swap(N - 1, B, A).

rotate(0, A, B, C, D, E, F) -> {A, B, C, D, E, F};
rotate(N, A, B, C, D, E, F) -> rotate(N - 1, B, C, D, E, F, A).

%% The clause bodies of try ... of are tail positions.
in_catch_of(0) -> done;
in_catch_of(N) ->
    try id(N) of
        X -> in_catch_of(X - 1)
    catch
        _:_ -> failed
    end.
