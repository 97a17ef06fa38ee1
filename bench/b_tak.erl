%% Calls with three arguments, nested in each other's arguments.
-module(b_tak).
-export([run/0]).

run() -> [tak(18, 12, 6) || _ <- lists:seq(1, 5000)] =:= lists:duplicate(5000, 7).

tak(X, Y, Z) when X =< Y -> Z;
tak(X, Y, Z) -> tak(tak(X - 1, Y, Z), tak(Y - 1, Z, X), tak(Z - 1, X, Y)).
