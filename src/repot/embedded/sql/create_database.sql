CREATE DATABASE :"name" TEMPLATE :"template" :strategy;
