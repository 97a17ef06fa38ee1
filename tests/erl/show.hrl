%% Shared by the programs of this folder: printing an expression beside its outcome.
%%
%% The output of a program is a sequence of lines `{"source text",Outcome}`, so
%% that a difference between two machines names the expression that caused it.

-export([id/1]).

%% Prints the source of E and its value.
-define(SHOW(E), erlang:display({??E, E})).

%% Prints the source of E and its value, or the class and reason it raised.
-define(TRY(E),
        erlang:display({??E,
                        (fun() ->
                                 try {value, E}
                                 catch Class__:Reason__ -> {Class__, Reason__}
                                 end
                         end)()})).

%% The identity, exported so that the compiler knows nothing of its result
%% and leaves the work to the machine.
id(X) -> X.
