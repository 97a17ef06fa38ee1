%% A first program: one process greets another and waits for its answer.
%%
%% It uses nothing but the machine's built-in functions, so it runs without OTP's libraries: bare on
%% Starling, and the same on stock `erl`:
%%
%%     erlc hello.erl
%%     starling erl --bare -pa . -s hello main
%%     erl -noshell -pa . -s hello main
-module(hello).
-export([main/0]).

main() ->
    erlang:display('Hello from Erlang!'),
    Greeter = spawn_link(fun greeter/0),
    Greeter ! {greet, self(), "Xen"},
    receive
        {Greeter, Greeting} -> erlang:display(Greeting)
    end,
    %% A process is cheap. Here are a thousand, each adding one to what it hands on.
    erlang:display({processes, chain(1000, self())}),
    halt().

%% Answers one greeting and is gone.
greeter() ->
    receive
        {greet, From, Name} -> From ! {self(), "Hello, " ++ Name ++ "!"}
    end.

%% Builds a chain of N processes that ends at Last, and sends a number through it.
chain(0, First) ->
    First ! {count, 0},
    receive
        {count, N} -> N
    end;
chain(N, Next) ->
    chain(N - 1, spawn(fun() -> hand_on(Next) end)).

hand_on(Next) ->
    receive
        {count, N} -> Next ! {count, N + 1}
    end.
