%% -*- coding: utf-8 -*-
%% Atoms: conversion, quoting when displayed, unicode, length limits.
-module(atoms).
-export([main/0]).
-include("show.hrl").

main() ->
    [erlang:display(A) || A <- id([a, aB, a_b, a@b, 'A', 'a b', '', '1a', '_a', 'a-b', 'a\'b', 'a\\b', 'a\nb', 'a\tb', 'a"b', 'é', 'éa', 'Éa', 'ß',
                                   'naïve', 'ÿ', '日本', 'a日本', 'ξ', 'и', '\x{0}', '\x{1f}', '\x{7f}', '\x{80}', '\x{a0}', '\x{10ffff}'])],
    %% Reserved words.
    [erlang:display(A) || A <- id(['after', 'and', 'andalso', 'band', 'begin', 'bnot', 'bor', 'bsl', 'bsr', 'bxor', 'case', 'catch', 'cond',
                                   'div', 'end', 'fun', 'if', 'let', 'not', 'of', 'or', 'orelse', 'receive', 'rem', 'try', 'when', 'xor',
                                   'maybe', 'else', true, false, nil, undefined, 'EXIT', 'DOWN'])],
    ?SHOW(atom_to_list(id(hello))),
    ?SHOW(atom_to_list(id('日本'))),
    ?SHOW(atom_to_list(id(''))),
    ?SHOW(atom_to_binary(id('日本'))),
    ?SHOW(atom_to_binary(id('é'), utf8)),
    ?SHOW(atom_to_binary(id('é'), latin1)),
    ?TRY(atom_to_binary(id('日本'), latin1)),
    ?TRY(atom_to_binary(id("x"), utf8)),
    ?TRY(atom_to_binary(id(x), id(utf17))),
    ?SHOW(list_to_atom(id("hello"))),
    ?SHOW(list_to_atom(id([233, 26085]))),
    ?SHOW(list_to_atom(id("hello")) =:= hello),
    ?SHOW(binary_to_atom(id(<<"hello">>))),
    ?SHOW(binary_to_atom(id(<<233>>), latin1)),
    ?SHOW(binary_to_atom(id(<<"日本"/utf8>>), utf8)),
    ?TRY(binary_to_atom(id(<<233>>), utf8)),
    ?TRY(binary_to_atom(id(<<237, 160, 128>>), utf8)),
    ?TRY(list_to_atom(id([16#D800]))),
    ?TRY(list_to_atom(id([16#110000]))),
    ?TRY(list_to_atom(id([-1]))),
    ?SHOW(list_to_existing_atom(id("undefined"))),
    ?SHOW(binary_to_existing_atom(id(<<"main">>), utf8)),
    ?TRY(list_to_existing_atom(id("no such atom in the whole system"))),
    ?TRY(binary_to_existing_atom(id(<<"no such atom either, not one">>))),
    Longest = lists:duplicate(255, $x),
    ?SHOW(length(atom_to_list(list_to_atom(Longest)))),
    ?TRY(list_to_atom([$x | Longest])),
    ?TRY(binary_to_atom(id(list_to_binary([$y | Longest])))),
    %% What follows the longest name is not looked at.
    ?TRY(binary_to_atom(id(<<0:255/unit:8, 255>>))),
    ?TRY(binary_to_atom(id(<<0:254/unit:8, 255>>))),
    ?TRY(binary_to_atom(id(<<0:300/unit:8, 255>>))),
    ?TRY(binary_to_existing_atom(id(<<0:300/unit:8, 255>>))),
    ?SHOW(length(atom_to_list(list_to_atom(lists:duplicate(255, 26085))))),
    ?TRY(list_to_atom(lists:duplicate(256, 26085))),
    Many = [list_to_atom("generated_" ++ integer_to_list(I)) || I <- lists:seq(1, 3000)],
    ?SHOW(length(lists:usort(Many))),
    ?SHOW(lists:nth(1234, Many)),
    ?SHOW([list_to_existing_atom("generated_" ++ integer_to_list(I)) =:= A
           || {I, A} <- lists:zip(lists:seq(1, 3000), Many)] -- lists:duplicate(3000, true)),
    ?SHOW([is_atom(X) || X <- [a, '', [], "a", <<"a">>, 1, true]]),
    ?SHOW([is_boolean(X) || X <- [true, false, 'maybe', 1]]),
    ?SHOW([choose(X) || X <- [red, green, blue, 'Red', "red"]]).

choose(red) -> 1;
choose(green) -> 2;
choose(blue) -> 3;
choose(A) when is_atom(A) -> other_atom;
choose(_) -> no_atom.
