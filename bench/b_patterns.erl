%% Pattern matching: an evaluator of terms, dispatch on atoms, integers, shapes and sizes.
-module(b_patterns).
-export([run/0]).

run() ->
    Program = {let_, x, {int, 7}, {add, {mul, {var, x}, {int, 3}}, {if_, {lt, {var, x}, {int, 9}}, {sub, {var, x}, {int, 2}}, {neg, {int, 5}}}}},
    {evaluate(3000000, Program, 0), classes(16000000, 0), codes(30000000, 0)}.

evaluate(0, _, Sum) -> Sum;
evaluate(N, Program, Sum) -> evaluate(N - 1, Program, Sum + eval(Program, [])).

eval({int, I}, _) -> I;
eval({var, V}, Env) -> find(V, Env);
eval({add, A, B}, Env) -> eval(A, Env) + eval(B, Env);
eval({sub, A, B}, Env) -> eval(A, Env) - eval(B, Env);
eval({mul, A, B}, Env) -> eval(A, Env) * eval(B, Env);
eval({neg, A}, Env) -> -eval(A, Env);
eval({lt, A, B}, Env) -> case eval(A, Env) < eval(B, Env) of true -> 1; false -> 0 end;
eval({if_, C, T, E}, Env) -> case eval(C, Env) of 0 -> eval(E, Env); _ -> eval(T, Env) end;
eval({let_, V, A, B}, Env) -> eval(B, [{V, eval(A, Env)} | Env]).

find(V, [{V, Value} | _]) -> Value;
find(V, [_ | Rest]) -> find(V, Rest).

classes(0, Sum) -> Sum;
classes(N, Sum) -> classes(N - 1, Sum + class(value(N band 7))).

value(0) -> [];
value(1) -> [a, b];
value(2) -> {ok, 1};
value(3) -> {error, enoent};
value(4) -> {error, {bad, 2}};
value(5) -> 4711;
value(6) -> #{kind => map};
value(7) -> <<"binary">>.

class([]) -> 1;
class([_, _]) -> 2;
class([_ | _]) -> 3;
class({ok, _}) -> 4;
class({error, enoent}) -> 5;
class({error, {bad, _}}) -> 6;
class(I) when is_integer(I), I > 0 -> 7;
class(#{kind := _}) -> 8;
class(B) when is_binary(B) -> 9.

codes(0, Sum) -> Sum;
codes(N, Sum) -> codes(N - 1, Sum + code(state(N rem 11), N rem 3)).

state(0) -> idle; state(1) -> connecting; state(2) -> connected; state(3) -> closing; state(4) -> closed;
state(5) -> failed; state(6) -> waiting; state(7) -> busy; state(8) -> done; state(9) -> halted; state(10) -> lost.

code(idle, 0) -> 1; code(idle, _) -> 2; code(connecting, 1) -> 3; code(connected, _) -> 4; code(closing, 2) -> 5;
code(closed, _) -> 6; code(failed, 0) -> 7; code(failed, 1) -> 8; code(waiting, _) -> 9; code(busy, _) -> 10;
code(done, _) -> 11; code(halted, _) -> 12; code(_, _) -> 0.
